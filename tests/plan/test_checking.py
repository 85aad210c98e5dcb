"""Which configurations are refused because of their metrics and statistics."""

import pytest

from jetstream_argo.config.model import Basis, ExperimentConfig, Metric, Period, PreTreatment, Summary
from jetstream_argo.errors import ConfigError
from jetstream_argo.plan.checking import check_metrics
from tests.pipeline import experiment, metric, source

RATE = Metric("rate", None, None, ("clicks", "visits"), (Basis.ENROLLMENTS,))
RATIO = (("numerator", "clicks"), ("denominator", "visits"))


def config_with(*asked: Summary, periods: tuple[Period, ...] = (Period.WEEK,), clicks: str = "SUM(ds.clicks)"):
    metrics = [metric("clicks", clicks), metric("visits", "SUM(ds.visits)"), RATE]
    return experiment(metrics, [source("activity")], dict.fromkeys(periods, asked))


def problems(config: ExperimentConfig) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        check_metrics(config)
    return [str(problem) for problem in caught.value.problems]


def test_statistics_that_can_be_computed_pass() -> None:
    asked = [
        Summary("clicks", "bootstrap_mean", (("drop_highest", 0.01),), (PreTreatment("remove_nulls"),)),
        Summary("clicks", "linear_model_mean", (("covariate_adjustment", (("period", "preenrollment_week"),)),)),
        Summary("rate", "population_ratio", RATIO, (PreTreatment("remove_nulls"),)),
    ]

    check_metrics(config_with(*asked))


def test_all_problems_are_told_at_once_and_each_once() -> None:
    asked = [
        Summary("clicks", "bootstrap_maen"),
        Summary("clicks", "deciles", (("confidence_interval", 95.0),), (PreTreatment("remove_null"),)),
        Summary("visits", "binomial", (("covariate_adjustment", (("period", "preenrollment_week"),)),)),
    ]

    found = problems(config_with(*asked, periods=(Period.WEEK, Period.DAYS28)))

    assert [line.partition(":")[0] for line in found] == [
        "metrics.clicks.statistics.bootstrap_maen",
        "metrics.clicks.statistics.deciles.pre_treatments.remove_null",
        "metrics.clicks.statistics.deciles.confidence_interval",
        "metrics.visits.statistics.binomial.covariate_adjustment",
    ]
    assert "did you mean 'bootstrap_mean'?" in found[0]


def test_a_metric_made_of_others_has_ratios_of_those_only() -> None:
    other = (("numerator", "clicks"), ("denominator", "visit"))

    found = problems(config_with(Summary("rate", "bootstrap_mean"), Summary("rate", "population_ratio", other)))

    made_of, denominator = found
    assert made_of.startswith(
        "metrics.rate.statistics.bootstrap_mean: cannot be had of a metric that is made of others"
    )
    assert denominator.startswith("metrics.rate.statistics.population_ratio.denominator: is 'visit', which is not in")
    assert denominator.endswith("did you mean 'visits'?")


def test_a_ratio_needs_a_metric_made_of_others() -> None:
    (found,) = problems(config_with(Summary("clicks", "population_ratio", RATIO)))

    assert found.startswith("metrics.clicks.statistics.population_ratio: is of a metric that is made of others")


@pytest.mark.parametrize(
    ("covariate", "key", "what"),
    [
        ((("metric", "rate"),), "metric", "is 'rate', which is made of other metrics"),
        ((("metric", "visit"),), "metric", "is 'visit', which is no metric of this experiment; did you mean 'visits'?"),
        ((("period", "preenrolment_week"),), "period", "is 'preenrolment_week', not one of"),
        ((("perod", "preenrollment_week"),), "perod", "is not a known key; did you mean 'period'?"),
    ],
)
def test_a_covariate_has_values_before_enrollment(covariate, key: str, what: str) -> None:
    (found,) = problems(config_with(Summary("clicks", "linear_model_mean", (("covariate_adjustment", covariate),))))

    assert found.startswith(f"metrics.clicks.statistics.linear_model_mean.covariate_adjustment.{key}: {what}")


def test_an_expression_that_is_not_sql_is_told_together_with_the_rest() -> None:
    found = problems(config_with(Summary("visits", "deciels"), clicks="COALESCE(SUM(ds.clicks, 0)"))

    assert [line.partition(": ")[0] for line in found] == [
        "metrics.clicks.select_expression",
        "metrics.visits.statistics.deciels",
    ]
    assert "is not SQL" in found[0]
