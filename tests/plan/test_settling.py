"""Until when the rows that an estimate rests on may still come."""

from dataclasses import replace
from datetime import date

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.config.statistics import Summary
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.settling import counts_settle_on, estimates_settle_on
from tests.worlds.pipeline import experiment, metric, planned, source, summary_of

LAST_ENROLLMENT = date(2026, 5, 6)
BEFORE: Table = {"covariate_adjustment": {"metric": "before", "period": "preenrollment_week"}}


def plan_of(*metrics: MetricDefinition, settle_days: dict[str, int], summary: Summary) -> AnalysisPlan:
    names = dict.fromkeys(metric.data_source for metric in metrics if metric.data_source)
    sources = [replace(source(name), settle_days=settle_days[name]) for name in names]
    config = experiment(metrics, sources, {Period.WEEK: [summary]})
    return planned(replace(config, settle_days=1), as_of=date(2026, 5, 20))


def of_week(plan: AnalysisPlan, index: int) -> date:
    (leaf,) = plan.statistics
    return estimates_settle_on(plan, leaf, plan.windows(Period.WEEK)[index - 1])


def test_estimates_settle_some_days_after_the_last_date_of_their_window() -> None:
    plan = plan_of(metric("hours", "SUM(hours)"), settle_days={"activity": 3}, summary=summary_of("hours", "sum"))

    assert [of_week(plan, index) for index in (1, 2)] == [date(2026, 5, 15), date(2026, 5, 22)]


def test_a_ratio_settles_with_the_later_of_its_sources() -> None:
    parts = [metric("hours", "SUM(hours)"), metric("clicks", "SUM(clicks)", "ads")]
    rate = MetricDefinition("rate", None, None, ("hours", "clicks"), ())
    asked = summary_of("rate", "population_ratio", {"denominator": "hours", "numerator": "clicks"})

    plan = plan_of(*parts, rate, settle_days={"activity": 1, "ads": 5}, summary=asked)

    assert of_week(plan, 1) == date(2026, 5, 17)


def test_a_covariate_that_settles_late_makes_its_estimates_wait() -> None:
    metrics = [metric("hours", "SUM(hours)"), metric("before", "SUM(x)", "history")]

    plan = plan_of(
        *metrics, settle_days={"activity": 0, "history": 30}, summary=summary_of("hours", "linear_model_mean", BEFORE)
    )

    assert of_week(plan, 1) == date(2026, 6, 4)


def test_counts_of_units_settle_after_the_last_enrollment() -> None:
    plan = plan_of(metric("hours", "SUM(hours)"), settle_days={"activity": 9}, summary=summary_of("hours", "sum"))

    assert counts_settle_on(plan, Period.WEEK, plan.windows(Period.WEEK)[1]) == date(2026, 5, 7)
