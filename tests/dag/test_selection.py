"""Which nodes a choice of metrics, periods and sources needs."""

import pytest

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.selection import EVERYTHING, Selection, selected, selected_metrics
from jetstream_argo.errors import PlanError, UnknownReference
from tests.dag.test_build import CLICKS, HOURS, PAGES, plan_of
from tests.worlds.pipeline import BOTH, summary_of

PLAN = plan_of(HOURS, PAGES, CLICKS)
COMMON = {"enrollments", "counts"}


def nodes(selection: Selection) -> set[str]:
    return {node.id for node in selected(PLAN, build_dag(PLAN), selection).nodes}


def test_nothing_chosen_is_everything() -> None:
    assert selected(PLAN, build_dag(PLAN), EVERYTHING) == build_dag(PLAN)


def test_a_period_keeps_its_statistics_and_what_they_need() -> None:
    assert nodes(Selection(periods=(Period.DAY,), metrics=("clicks",))) == COMMON | {"day-ads", "stats-day-clicks"}


def test_a_source_keeps_its_metrics() -> None:
    leaves = {"stats-day-clicks", "stats-week-clicks"}

    assert nodes(Selection(sources=("ads",))) == COMMON | {"day-ads", "week-ads"} | leaves


def test_choices_add_up() -> None:
    found = nodes(Selection(metrics=("pages", "clicks"), sources=("activity",), periods=(Period.DAY,)))

    assert found == COMMON | {"day-activity", "stats-day-pages"}


def test_a_metric_of_two_sources_belongs_to_both() -> None:
    ratio = MetricDefinition("rate", None, None, ("clicks", "active_hours"), BOTH)
    asked = summary_of("rate", "population_ratio", {"numerator": "clicks", "denominator": "active_hours"})
    plan = plan_of(HOURS, CLICKS, ratio, periods={Period.DAY: [asked]})

    assert set(selected_metrics(plan, Selection(sources=("ads",)))) == {"clicks", "rate"}


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(metrics=("cliks",)), "metric 'cliks', which is not defined; did you mean 'clicks'"),
        (Selection(sources=("add",)), "data source 'add', which is not defined; did you mean 'ads'"),
    ],
)
def test_a_name_that_is_unknown_is_refused_with_the_nearest(selection: Selection, message: str) -> None:
    with pytest.raises(UnknownReference, match=message):
        nodes(selection)


def test_a_period_of_which_nothing_is_due_is_refused() -> None:
    with pytest.raises(PlanError, match=r"nothing of period overall is due by 2026-05-12; of day, week is"):
        nodes(Selection(periods=(Period.OVERALL,)))


def test_choices_that_have_nothing_in_common_are_refused() -> None:
    with pytest.raises(PlanError, match="none of the metrics pages is of the data source ads"):
        nodes(Selection(metrics=("pages",), sources=("ads",)))
