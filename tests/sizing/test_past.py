"""The experiment that is made up to size another one."""

from dataclasses import replace
from datetime import date

import pytest

from jetstream_argo.config.exclusions import ExclusionRule, ExclusionRules, SeveralBranches
from jetstream_argo.config.model import ExperimentConfig, MetricDefinition, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Covariate, Summary
from jetstream_argo.errors import PlanError
from jetstream_argo.plan.build import resolve
from jetstream_argo.sizing.past import past_experiment
from jetstream_argo.stats.methods.ratio_delta import RatioDelta
from jetstream_argo.stats.methods.welch_mean import WelchMean
from tests.worlds.pipeline import BOTH, experiment, metric, source, summary_of

AS_OF = date(2026, 7, 1)


def config_of(*summaries: Summary, metrics: tuple[MetricDefinition, ...] = ()) -> ExperimentConfig:
    segments = ((Segment("new", "clients", "TRUE"),), (SegmentDataSource("clients", "t.c", "c", "d", 0, 0),))
    metrics = metrics or (metric("visits", "SUM(visits)"), metric("ads", "SUM(ads)", "ads"))
    sources = [source("activity", branch="ds.branch"), source("ads")]
    return experiment(metrics, sources, {Period.DAY: summaries}, segments=segments)


def test_everybody_with_rows_enrolls_in_two_branches_in_a_period_that_has_settled() -> None:
    past = past_experiment(config_of(summary_of("visits", "deciles")), weeks=2, as_of=AS_OF)

    plan = resolve(past, as_of=AS_OF, dataset="results")

    assert plan.experiment.timeline.start == date(2026, 6, 13)
    assert [window.last_day for window in plan.windows(Period.CUMULATIVE_WEEKLY)] == [6, 13]
    assert "FROM telemetry.activity AS ds" in past.enrollments_sql
    assert "FROM telemetry.ads AS ds" in past.enrollments_sql
    assert "ds.submission_date >= '2026-06-13' AND ds.submission_date < '2026-06-16'" in past.enrollments_sql
    assert {source.branch_expression for source in past.data_sources} == {None}
    assert past.segments == ()


def test_each_metric_has_a_mean_as_it_is_clipped_and_adjusted_in_the_file() -> None:
    asked = [
        summary_of("visits", "deciles"),
        summary_of(
            "visits",
            "linear_model_mean",
            {"drop_highest": 0.01, "covariate_adjustment": {"period": "preenrollment_days28"}},
        ),
        summary_of("ads", "linear_model_mean_no_clip"),
    ]

    (found,) = past_experiment(config_of(*asked), weeks=1, as_of=AS_OF).periods

    assert found.period is Period.CUMULATIVE_WEEKLY
    visits, ads = (summary.statistic for summary in found.summaries)
    assert (visits.covariate, ads.covariate) == (
        Covariate("visits", Period.PREENROLLMENT_DAYS28), Covariate("ads", Period.PREENROLLMENT_WEEK),
    )  # fmt: skip
    assert isinstance(visits.method, WelchMean)
    assert isinstance(ads.method, WelchMean)
    assert (visits.method.drop_highest, ads.method.drop_highest) == (0.01, 0.0)


def test_a_ratio_is_sized_as_one_and_what_is_neither_is_refused() -> None:
    rate = MetricDefinition("rate", None, None, ("ads", "visits"), BOTH)
    ratio = summary_of("rate", "population_ratio", {"numerator": "ads", "denominator": "visits"})

    (found,) = past_experiment(config_of(ratio, metrics=(rate,)), weeks=1, as_of=AS_OF).periods

    [summary] = found.summaries
    assert summary.statistic.method == RatioDelta(numerator="ads", denominator="visits")
    with pytest.raises(PlanError, match="no metric has a mean or a ratio"):
        past_experiment(config_of(summary_of("rate", "count"), metrics=(rate,)), weeks=1, as_of=AS_OF)


def test_conditions_exclude_units_of_the_past_too_but_for_those_about_branches() -> None:
    twice = ExclusionRule("twice", condition="e.num_enrollment_events > 1")
    excluding = replace(
        config_of(summary_of("visits", "sum")), exclusions=ExclusionRules(SeveralBranches.DROP, named=(twice,))
    )

    past = past_experiment(excluding, weeks=1, as_of=AS_OF)

    assert past.exclusions == ExclusionRules(SeveralBranches.KEEP, 1.0, (twice,))
