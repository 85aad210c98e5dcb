"""Which plans are refused because of their statistics."""

from dataclasses import replace
from datetime import date

import pytest

from jetstream_argo.config.model import Basis, Metric, Period, PreTreatment, Summary
from jetstream_argo.errors import ConfigError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.stats.check import check_statistics
from tests.pipeline import experiment, metric, planned, source

RATE = Metric("rate", None, None, ("clicks", "visits"), (Basis.ENROLLMENTS,))
RATIO = (("numerator", "clicks"), ("denominator", "visits"))


def plan_with(*asked: Summary, periods: tuple[Period, ...] = (Period.WEEK,)) -> AnalysisPlan:
    metrics = [metric("clicks", "SUM(ds.clicks)"), metric("visits", "SUM(ds.visits)"), RATE]
    config = experiment(metrics, [source("activity")], dict.fromkeys(periods, asked))
    return planned(config, as_of=date(2026, 6, 30))


def problems(plan: AnalysisPlan) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_statistics(plan)
    return [str(problem) for problem in caught.value.problems]


def test_statistics_that_can_be_computed_pass() -> None:
    asked = [
        Summary("clicks", "bootstrap_mean", (("drop_highest", 0.01),), (PreTreatment("remove_nulls"),)),
        Summary("clicks", "linear_model_mean", (("covariate_adjustment", (("period", "preenrollment_week"),)),)),
        Summary("rate", "population_ratio", RATIO, (PreTreatment("remove_nulls"),)),
    ]

    check_statistics(plan_with(*asked))


def test_all_problems_are_told_at_once_and_each_once() -> None:
    asked = [
        Summary("clicks", "bootstrap_maen"),
        Summary("clicks", "deciles", (("confidence_interval", 95.0),), (PreTreatment("remove_null"),)),
        Summary("visits", "binomial", (("covariate_adjustment", (("period", "preenrollment_week"),)),)),
    ]

    found = problems(plan_with(*asked, periods=(Period.WEEK, Period.DAYS28)))

    assert [line.partition(":")[0] for line in found] == [
        "metrics.clicks.statistics.bootstrap_maen",
        "metrics.clicks.statistics.deciles.pre_treatments.remove_null",
        "metrics.clicks.statistics.deciles.confidence_interval",
        "metrics.visits.statistics.binomial.covariate_adjustment",
    ]
    assert "did you mean 'bootstrap_mean'?" in found[0]


def test_a_metric_made_of_others_has_ratios_of_those_only() -> None:
    other = (("numerator", "clicks"), ("denominator", "visit"))

    found = problems(plan_with(Summary("rate", "bootstrap_mean"), Summary("rate", "population_ratio", other)))

    made_of, denominator = found
    assert made_of.startswith(
        "metrics.rate.statistics.bootstrap_mean: cannot be had of a metric that is made of others"
    )
    assert denominator.startswith("metrics.rate.statistics.population_ratio.denominator: is 'visit', which is not in")
    assert denominator.endswith("did you mean 'visits'?")


def test_a_ratio_needs_a_metric_made_of_others() -> None:
    (found,) = problems(plan_with(Summary("clicks", "population_ratio", RATIO)))

    assert found.startswith("metrics.clicks.statistics.population_ratio: is of a metric that is made of others")


def test_a_metric_made_of_others_is_no_covariate() -> None:
    plan = plan_with(
        Summary("clicks", "linear_model_mean", (("covariate_adjustment", (("period", "preenrollment_week"),)),))
    )
    (leaf,) = plan.statistics
    (asked,) = leaf.statistics
    assert asked.covariate is not None
    asked = replace(asked, covariate=replace(asked.covariate, metric="rate"))
    plan = replace(plan, metrics=(*plan.metrics, *plan_with(Summary("rate", "population_ratio", RATIO)).metrics))
    plan = replace(plan, statistics=(replace(leaf, statistics=(asked,)),))

    (found,) = problems(plan)

    assert found.startswith("metrics.clicks.statistics.linear_model_mean.covariate_adjustment.metric: is 'rate'")
