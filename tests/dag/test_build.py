"""Which nodes there are and what they wait for."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jetstream_argo.config.model import ExposureSignal, MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Summary
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.dag.model import Dag, StatisticsTask
from jetstream_argo.dag.names import LONGEST, unique_names
from jetstream_argo.errors import PlanError, UnknownReference
from jetstream_argo.plan.model import AnalysisPlan
from tests.worlds.pipeline import BOTH, experiment, metric, planned, source, summary_of

DUE = date(2026, 5, 12)  # the last unit enrolls on 6 May: seven days and a week are due


def plan_of(
    *metrics: MetricDefinition, periods: dict[Period, list[Summary]] | None = None, as_of: date = DUE
) -> AnalysisPlan:
    sources = [source(name) for name in dict.fromkeys(m.data_source for m in metrics if m.data_source)]
    asked = periods or {p: [summary_of(m.name, "count") for m in metrics] for p in (Period.DAY, Period.WEEK)}
    return planned(experiment(metrics, sources, asked), as_of=as_of)


def dependencies(dag: Dag) -> dict[str, tuple[str, ...]]:
    return {node.id: node.dependencies for node in dag.nodes}


HOURS = metric("active_hours", "SUM(hours)")
PAGES = metric("pages", "SUM(pages)")
CLICKS = metric("clicks", "SUM(clicks)", "ads")


def test_nothing_is_emitted_before_anything_is_due():
    assert build_dag(plan_of(HOURS, as_of=date(2026, 5, 5))).nodes == ()


def test_a_source_is_a_chain_and_its_statistics_are_leaves():
    assert dependencies(build_dag(plan_of(HOURS, PAGES))) == {
        "enrollments": (),
        "counts": ("enrollments",),
        "day-activity": ("enrollments",),
        "week-activity": ("day-activity",),
        "stats-day-pages": ("day-activity",),
        "stats-day-active-hours": ("day-activity",),
        "stats-week-pages": ("week-activity",),
        "stats-week-active-hours": ("week-activity",),
    }


def test_a_covariate_brings_the_days_before_enrollment_and_no_edge_that_others_imply():
    adjusted = summary_of(
        "active_hours", "linear_model_mean", {"covariate_adjustment": {"period": "preenrollment_week"}}
    )

    dag = build_dag(plan_of(HOURS, periods={Period.WEEK: [adjusted]}))

    assert dependencies(dag) == {
        "enrollments": (),
        "counts": ("enrollments",),
        "pre-activity": ("enrollments",),
        "day-activity": ("pre-activity",),
        "week-activity": ("day-activity",),
        "stats-week-active-hours": ("week-activity",),
    }


def test_a_metric_made_of_two_sources_waits_for_both():
    ratio = MetricDefinition("rate", None, None, ("clicks", "active_hours"), BOTH)

    asked = summary_of("rate", "population_ratio", {"numerator": "clicks", "denominator": "active_hours"})
    dag = build_dag(plan_of(HOURS, CLICKS, ratio, periods={Period.DAY: [asked]}))

    assert set(dag.node("stats-day-rate").dependencies) == {"day-activity", "day-ads"}


def test_an_exposure_signal_is_read_before_any_values():
    signal = ExposureSignal("seen", source("activity"), "seen", None, None)
    config = experiment(
        [HOURS], [source("activity")], {Period.DAY: [summary_of("active_hours", "count")]}, signal=signal
    )

    assert dependencies(build_dag(planned(config, as_of=DUE)))["day-activity"] == ("exposures",)


def test_the_last_node_comes_after_all_others():
    dag = build_dag(plan_of(HOURS))

    assert dag.last.dependencies == tuple(node.id for node in dag.nodes)


def test_a_filter_keeps_what_the_metric_needs_the_check_of_the_split_and_nothing_else():
    dag = filtered(build_dag(plan_of(HOURS, PAGES, CLICKS)), ["clicks"])

    asked = {"stats-day-clicks", "stats-week-clicks"}
    assert set(dependencies(dag)) == {"enrollments", "counts", "day-ads", "week-ads", *asked}


def test_a_filter_by_the_count_of_units_keeps_nothing_but_that():
    assert set(dependencies(filtered(build_dag(plan_of(HOURS, CLICKS)), ["identity"]))) == {"enrollments", "counts"}


def test_a_filter_with_a_misspelt_metric_is_refused_with_the_nearest():
    with pytest.raises(UnknownReference, match="did you mean 'clicks'"):
        filtered(build_dag(plan_of(CLICKS)), ["cliks"])


def test_an_empty_filter_keeps_everything():
    dag = build_dag(plan_of(HOURS))

    assert filtered(dag, []) == dag


def test_over_the_budget_statistics_of_a_period_and_source_become_one_node():
    metrics = [metric(f"m{n}", f"SUM(x{n})", "ads" if n % 2 else "activity") for n in range(20)]

    dag = build_dag(plan_of(*metrics), budget=40)

    assert len(dag.nodes) + 1 <= 40
    batched = [node for node in dag.nodes if isinstance(node.task, StatisticsTask) and len(node.task.metrics) > 1]
    assert {node.id for node in batched} == {"stats-day-all-activity", "stats-day-all-ads"}
    assert sorted(m for node in batched for m in node.task.metrics) == sorted(m.name for m in metrics)


def test_a_plan_that_cannot_fit_is_refused_with_its_size():
    metrics = [metric(f"m{n}", "SUM(x)", f"source_{n}") for n in range(10)]

    with pytest.raises(PlanError, match="nodes, 12 are allowed"):
        build_dag(plan_of(*metrics), budget=12)


def test_the_same_plan_gives_the_same_nodes_in_an_order_in_which_they_can_run():
    dag = build_dag(plan_of(HOURS, PAGES, CLICKS))

    done: set[str] = set()
    for node in dag.nodes:
        assert done.issuperset(node.dependencies)
        done.add(node.id)
    assert build_dag(plan_of(HOURS, PAGES, CLICKS)) == dag


@given(st.lists(st.tuples(st.sampled_from(["day", "stats"]), st.text(max_size=80)), unique=True, max_size=20))
def test_names_are_valid_and_different_whatever_the_words(words):
    named = unique_names(words)

    assert len(set(named.values())) == len(words)
    assert all(len(name) <= LONGEST and name == name.lower() and name[0].isalnum() for name in named.values())
    assert dict(unique_names(reversed(words))) == dict(named)
