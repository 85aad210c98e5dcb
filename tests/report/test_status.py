from dataclasses import replace
from datetime import date

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import CountsTask, Dag, EnrollmentsTask, ExportTask, Node
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY
from jetstream_argo.plan.model import PeriodWindows
from jetstream_argo.report.status import MetricStatus, Standing, StatusReport, status_report
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import Entry, Kind, State, read_entries
from jetstream_argo.warehouse.protocol import Engine
from tests.worlds import report as small

PLAN = small.plan([small.HOURS])
COUNTS = small.statistics_entry("identity", "i", 1, (1, 2))
DONE = small.statistics_entry("hours", "b1", 1, (1, 2), units=10, adjusted=False, message="no covariate")
BROKEN = small.values_entry(small.HOURS, "", 2, state=State.FAILED, error="InvalidQuery", message="no column hours")


def test_windows_that_were_computed_say_when_and_from_what():
    report = status_report(PLAN, [COUNTS, DONE])

    assert _of(report, "hours") == [
        MetricStatus("hours", "week", 1, 2, Standing.COMPUTED, small.at(1), 10, adjusted=False, note="no covariate")
    ]
    assert report.exit_code == EXIT_DONE


def test_windows_computed_on_several_days_make_one_row_with_the_latest_moment():
    first = small.statistics_entry("hours", "b1", 1, (1, 1), units=10)
    second = small.statistics_entry("hours", "b2", 5, (2, 2), units=10)

    [row] = _of(status_report(PLAN, [first, second]), "hours")

    assert (row.first_window, row.last_window, row.computed_at) == (1, 2, small.at(5))


def test_windows_that_differ_make_a_row_each():
    first = small.statistics_entry("hours", "b1", 1, (1, 1), units=10)
    second = small.statistics_entry("hours", "b2", 5, (2, 2), units=11)

    rows = _of(status_report(PLAN, [first, second]), "hours")

    assert [(row.first_window, row.units) for row in rows] == [(1, 10), (2, 11)]


def test_a_window_that_nobody_computed_is_missing_and_a_run_may_help():
    report = status_report(PLAN, [COUNTS, small.statistics_entry("hours", "b1", 1, (1, 1))])

    assert [(row.first_window, row.standing) for row in _of(report, "hours")] == [
        (1, Standing.COMPUTED),
        (2, Standing.MISSING),
    ]
    assert report.exit_code == EXIT_RETRY


def test_a_failure_tells_why_a_window_is_missing():
    report = status_report(PLAN, [COUNTS, BROKEN])

    [row] = _of(report, "hours")
    assert (row.standing, row.error, row.message) == (Standing.FAILED, "InvalidQuery", "no column hours")
    assert (row.first_window, row.last_window) == (1, 2)
    assert report.exit_code == EXIT_DEFINITION


def test_a_passing_failure_is_worth_a_retry():
    report = status_report(PLAN, [COUNTS, replace(BROKEN, error="Transient")])

    assert report.exit_code == EXIT_RETRY


def test_a_success_ends_a_failure():
    good = small.values_entry(small.HOURS, "b", 3)

    report = status_report(PLAN, [COUNTS, BROKEN, good, DONE])

    assert report.failures == ()
    assert report.exit_code == EXIT_DONE


def test_a_success_before_a_failure_does_not_end_it():
    good = small.values_entry(small.HOURS, "b", 1)

    assert status_report(PLAN, [good, BROKEN]).failures == (BROKEN,)


def test_a_success_in_other_windows_does_not_end_a_failure():
    elsewhere = small.values_entry(small.HOURS, "b", 3, (2, 2))

    assert status_report(PLAN, [BROKEN, elsewhere]).failures == (BROKEN,)


def test_a_success_on_other_dates_does_not_end_a_failure():
    failed = _read(1, 7, 1, state=State.FAILED)

    assert status_report(PLAN, [failed, _read(8, 8, 2)]).failures == (failed,)
    assert status_report(PLAN, [failed, _read(1, 7, 2)]).failures == ()


def test_a_failure_of_several_columns_ends_when_all_of_them_succeeded():
    failed = replace(_read(1, 7, 1, state=State.FAILED), keys=("p_hours", "p_ads"))
    hours, ads = _read(1, 7, 2), replace(_read(1, 7, 3), keys=("p_ads",))

    assert status_report(None, [failed, hours]).failures == (failed,)
    assert status_report(None, [failed, hours, ads]).failures == ()


def test_only_the_last_of_failures_that_are_alike_is_told():
    again = replace(BROKEN, recorded_at=small.at(9), message="still no column hours")

    assert status_report(PLAN, [BROKEN, again]).failures == (again,)


def test_a_failure_of_a_definition_that_is_no_longer_there_does_not_count():
    old = replace(BROKEN, keys=("m_hours_of_yesterday",))

    assert status_report(PLAN, [old]).failures == ()
    assert status_report(None, [old]).failures == (old,)


def test_estimates_of_another_definition_are_outdated():
    old = replace(DONE, keys=("s_hours_of_yesterday",))

    report = status_report(PLAN, [COUNTS, old])

    assert [row.standing for row in _of(report, "hours")] == [Standing.OUTDATED]
    assert report.exit_code == EXIT_RETRY


def test_a_failed_update_says_when_what_readers_still_see_was_computed():
    old = replace(DONE, keys=("s_hours_of_yesterday",))

    [row] = _of(status_report(PLAN, [COUNTS, old, BROKEN]), "hours")

    assert (row.standing, row.computed_at, row.error) == (Standing.FAILED, small.at(1), "InvalidQuery")


def test_a_metric_made_of_others_fails_for_their_reason():
    plan = small.plan()

    [row] = _of(status_report(plan, [BROKEN]), "rate")

    assert row.message == "no column hours"


def test_without_enrolled_units_everything_fails_for_that_reason():
    nobody = small.entry(Kind.ENROLLMENTS, State.FAILED, 1, error="NoUnits", message="no unit enrolled")

    report = status_report(PLAN, [nobody])

    assert {(row.metric, row.message) for row in report.metrics} == {
        ("identity", "no unit enrolled"),
        ("hours", "no unit enrolled"),
    }


def test_what_is_due_of_a_metric_stands_together():
    plan = small.plan([small.HOURS, small.ADS])
    daily = [replace(leaf, period=Period.DAY) for leaf in plan.statistics]
    due = (PeriodWindows(Period.DAY, plan.periods[0].windows), *plan.periods)

    report = status_report(replace(plan, periods=due, statistics=(*plan.statistics, *daily)), [])

    assert [(row.metric, row.period) for row in report.metrics] == [
        *(("identity", "day"), ("identity", "week")),
        *(("hours", "day"), ("hours", "week")),
        *(("ads", "day"), ("ads", "week")),
    ]


def test_no_data_is_complete():
    none = small.statistics_entry("hours", "b1", 1, (1, 2), state=State.NO_DATA)

    report = status_report(PLAN, [COUNTS, none])

    assert [row.standing for row in _of(report, "hours")] == [Standing.NO_DATA]
    assert report.lacking == ()


def test_without_a_plan_what_was_recorded_is_told():
    report = status_report(None, [DONE, BROKEN])

    assert [(row.metric, row.standing) for row in report.metrics] == [
        ("hours", Standing.COMPUTED),
        ("hours", Standing.FAILED),
    ]


def test_dates_that_were_read_count_once_per_source():
    first = replace(_read(1, 7, 1), bytes=100, seconds=1.0, jobs=("j1",), rows=5)
    again = replace(_read(5, 9, 2), bytes=50, seconds=0.5, jobs=("j2",), rows=5)

    [source] = status_report(None, [first, again]).sources

    assert (source.dates, source.first_date, source.last_date) == (9, date(2026, 5, 1), date(2026, 5, 9))
    assert (source.cost.bytes, source.cost.seconds, source.cost.jobs, source.cost.rows) == (150, 1.5, 2, 10)


def test_jobs_that_several_entries_share_cost_once():
    shared = [replace(DONE, jobs=("j1", "j2"), bytes=100, first_window=k, last_window=k) for k in (1, 3)]

    [node] = status_report(None, shared).nodes

    assert (node.cost.bytes, node.cost.jobs, node.attempts) == (100, 2, 1)


def test_nodes_are_told_in_the_order_of_the_workflow_also_those_that_never_ran():
    nodes = (Node("enrollments", EnrollmentsTask(), (), ()), Node("counts", CountsTask(), ("enrollments",), ()))
    dag = Dag(nodes, Node("export", ExportTask(), ("enrollments", "counts"), ()))

    report = status_report(None, [DONE, small.enrollments_entry()], dag)

    assert [(node.node, node.attempts) for node in report.nodes] == [
        ("enrollments", 1),
        ("counts", 0),
        ("export", 0),
        ("stats-week-hours", 1),
    ]


def test_entries_come_back_from_the_warehouse_as_they_were_recorded(engine: Engine):
    small.record(engine, [BROKEN, DONE])

    assert read_entries(engine, Place("analysis", "new-tab")) == (DONE, BROKEN)


def test_an_experiment_of_which_nothing_was_recorded_has_no_entries(engine: Engine):
    assert read_entries(engine, Place("analysis", "other")) == ()


@pytest.mark.parametrize("kind", [Kind.VALUES, Kind.PARTIALS])
def test_every_metric_of_a_failure_is_told(kind: Kind):
    failed = replace(BROKEN, kind=kind, metrics=("ads", "hours"))

    assert [row.metric for row in status_report(None, [failed]).metrics] == ["ads", "hours"]


def _read(first: int, last: int, hour: int, state: State = State.COMPUTED) -> Entry:
    return small.entry(
        Kind.PARTIALS,
        state,
        hour,
        table="analysis.partials",
        source="clients",
        keys=("p_hours",),
        metrics=("hours",),
        first_date=date(2026, 5, first),
        last_date=date(2026, 5, last),
    )


def _of(report: StatusReport, metric: str) -> list[MetricStatus]:
    return [row for row in report.metrics if row.metric == metric]
