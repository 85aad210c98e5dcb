"""What comes of telemetry that is not there yet, comes late, changes, or goes again."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import Deletions, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import EXIT_RETRY, NotLoaded
from jetstream_argo.report.facts import facts_of
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates import latest_estimates
from jetstream_argo.warehouse.types import Layout, Write
from tests.run.test_pipeline import ACTIVITY, day, of_unit, simple, telemetry
from tests.worlds.pipeline import Pipeline, metric, planned

WEEK_DUE = date(2026, 5, 12)
LAST = (WEEK_DUE - day(0)).days
HOURS = metric("hours", "SUM(hours)")
DIRECT = metric("direct", "ARRAY_LENGTH(ARRAY_AGG(hours IGNORE NULLS ORDER BY hours LIMIT 100))")
Row = tuple[str, date, float, int | None, str | None]


def activity(last: int, *, per_day: float = 1.0, units: Sequence[str] = ("a", "b", "c")) -> list[Row]:
    """Rows of every unit on every day of the experiment up to `last`."""
    return [(unit, day(n), per_day, 1, None) for unit in units for n in range(last + 1)]


def load(pipeline: Pipeline, rows: Sequence[Sequence[Value]]) -> None:
    pipeline.put("activity", ACTIVITY, rows)


def at(day_of_run: date, hour: int = 5) -> datetime:
    return datetime(day_of_run.year, day_of_run.month, day_of_run.day, hour, tzinfo=UTC)


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A week is due today, and it is five in the morning of the next day."""
    made = Pipeline(tmp_path, planned(simple(HOURS), as_of=WEEK_DUE), today=at(WEEK_DUE + timedelta(days=1)))
    telemetry(made)
    return made


def entries(pipeline: Pipeline, since: int = 0) -> list[Entry]:
    return read_ledger(pipeline.plan, pipeline.engine).entries[since:]


def dates_read(pipeline: Pipeline, since: int) -> list[date]:
    """Dates of telemetry that were read into partials after so many entries."""
    return sorted(
        date.fromordinal(ordinal)
        for entry in entries(pipeline, since)
        if entry.kind is Kind.PARTIALS and entry.state is State.COMPUTED
        for ordinal in entry.extent
    )


def total(pipeline: Pipeline, name: str = "hours") -> float:
    return sum(float(str(value)) for value in pipeline.values(name, Period.WEEK).values() if value is not None)


def test_a_date_that_is_not_loaded_is_waited_for_and_the_others_are_done(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))

    ended = pipeline.run()

    assert ended["day-activity"].exit_code == EXIT_RETRY
    assert "telemetry.activity of 2026-05-12 is not loaded yet (newest: 2026-05-11)" in ended["day-activity"].line
    assert len(of_unit(pipeline.values("hours", Period.DAY), "a")) == 6  # the seventh needs the twelfth

    load(pipeline, activity(LAST))
    before = len(entries(pipeline))
    ended = pipeline.run()

    assert ended["day-activity"].exit_code == 0
    assert dates_read(pipeline, before) == [WEEK_DUE]
    assert total(pipeline) == 21


def test_a_date_that_is_not_loaded_fails_the_leaf_that_needs_it_for_now(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))

    ended = pipeline.run()

    (failure,) = ended["stats-week-hours"].failed
    assert isinstance(failure[1], NotLoaded)
    assert ended["stats-week-hours"].exit_code == EXIT_RETRY


def test_a_leaf_estimates_the_windows_before_the_one_that_waits(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.run(only=[EnrollmentsTask])
    leaf = next(node for node in build_dag(pipeline.plan).nodes if node.id == "stats-day-hours")

    ended = pipeline.do(leaf)

    assert ended.exit_code == EXIT_RETRY
    assert "telemetry.activity of 2026-05-12 is not loaded yet" in ended.line
    assert sorted(latest_estimates(entries(pipeline))["hours", "day"]) == [1, 2, 3, 4, 5, 6]
    assert isinstance(dict(ended.failed)["hours"], NotLoaded)

    before = len(entries(pipeline))
    assert pipeline.do(leaf).exit_code == EXIT_RETRY
    assert not [entry for entry in entries(pipeline, before) if entry.kind is Kind.STATISTICS]
    load(pipeline, activity(LAST))
    assert pipeline.do(leaf).exit_code == 0
    assert max(latest_estimates(entries(pipeline))["hours", "day"]) == 7


def test_a_date_without_rows_is_an_empty_day_once_its_source_has_settled(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.today = at(WEEK_DUE + timedelta(days=3))

    ended = pipeline.run()

    assert ended["day-activity"].exit_code == 0
    assert total(pipeline) == 20  # `c` enrolled on day 2 and lacks its last day


def test_a_source_with_quiet_days_is_not_waited_for(pipeline: Pipeline) -> None:
    (source,) = pipeline.plan.sources
    pipeline.plan = replace(pipeline.plan, sources=(replace(source, may_be_empty=True),))
    load(pipeline, activity(LAST - 1))

    assert pipeline.run()["day-activity"].exit_code == 0


@pytest.mark.parametrize("name", ["hours", "direct"])
def test_a_date_that_was_half_loaded_is_read_again_and_nothing_else(pipeline: Pipeline, name: str) -> None:
    pipeline.plan = planned(simple(HOURS, DIRECT), as_of=WEEK_DUE)
    half = [row for row in activity(LAST) if not (row[0] == "c" and row[1] == WEEK_DUE)]
    load(pipeline, half)
    pipeline.run()
    assert total(pipeline, name) == 20

    load(pipeline, activity(LAST))
    before = len(entries(pipeline))
    pipeline.run()

    assert total(pipeline, name) == 21
    assert dates_read(pipeline, before) == [WEEK_DUE]
    values = [e for e in entries(pipeline, before) if e.kind is Kind.VALUES]
    assert {(e.period, e.first_window, e.last_window) for e in values} == {("day", 7, 7), ("week", 1, 1)}
    leaves = [e for e in entries(pipeline, before) if e.kind is Kind.STATISTICS and name in e.metrics]
    assert {(e.period, e.first_window, e.last_window) for e in leaves} == {("day", 7, 7), ("week", 1, 1)}


def test_a_run_with_nothing_new_reads_and_records_nothing(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    before = len(entries(pipeline))

    ended = pipeline.run()

    assert all(result.idle for result in ended.values())
    assert [entry.kind for entry in entries(pipeline, before)] == []


@pytest.mark.parametrize("days_later", [1, 3, 7])
def test_a_settled_date_is_looked_at_again_and_read_again_if_it_grew(pipeline: Pipeline, days_later: int) -> None:
    load(pipeline, activity(LAST)[:-1])  # the last row of `c` is missing
    settled = WEEK_DUE + timedelta(days=2)
    pipeline.today = at(settled)
    pipeline.run()
    less = total(pipeline)

    load(pipeline, activity(LAST))
    pipeline.today = at(settled + timedelta(days=days_later))
    pipeline.run()

    assert less < total(pipeline) == 21


def test_a_settled_date_is_not_looked_at_after_its_last_look(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST)[:-1])
    pipeline.today = at(WEEK_DUE + timedelta(days=9))
    pipeline.run()
    less = total(pipeline)

    load(pipeline, activity(LAST))
    pipeline.today = at(WEEK_DUE + timedelta(days=40))
    before = len(entries(pipeline))
    pipeline.run()

    assert total(pipeline) == less
    assert entries(pipeline, before) == []


def test_rows_that_went_are_told_and_not_read(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()

    load(pipeline, [row for row in activity(LAST) if row[0] != "b"])
    before = len(entries(pipeline))
    pipeline.today = at(WEEK_DUE + timedelta(days=3))
    pipeline.run()

    assert total(pipeline) == 21
    assert dates_read(pipeline, before) == []
    looks = [entry for entry in entries(pipeline, before) if entry.kind is Kind.LOOK]
    assert any('"2026-05-12":{"telemetry.activity":-1}' in entry.facts for entry in looks)


def test_after_a_deletion_run_nothing_before_it_is_read_again(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST)[:-1])
    pipeline.run()
    less = total(pipeline)
    deleted = Deletions((WEEK_DUE + timedelta(days=1),))
    pipeline.plan = replace(pipeline.plan, experiment=replace(pipeline.plan.experiment, deletions=deleted))

    load(pipeline, activity(LAST))
    before = len(entries(pipeline))
    pipeline.run()

    assert total(pipeline) == less
    assert dates_read(pipeline, before) == []
    assert any(entry.facts for entry in entries(pipeline, before) if entry.kind is Kind.LOOK)


EXPOSED = {"unit": "STRING", "day": "DATE"}
ASSIGNED = {"unit": "STRING", "branch": "STRING", "day": "DATE"}


def test_units_that_enroll_late_are_added_and_dates_are_read_for_them_alone(pipeline: Pipeline) -> None:
    pipeline.today = at(day(3))  # the last enrollment date has not settled
    rows = activity(LAST, units=("a", "b", "late"))
    pipeline.put("activity", ACTIVITY, [row for row in rows if row[1] <= day(2)])
    pipeline.put("exposures", EXPOSED, [("a", day(2))])
    pipeline.plan = planned(simple(HOURS), as_of=day(2))
    pipeline.run()
    before = len(entries(pipeline))

    pipeline.put("assignments", ASSIGNED,
        [("a", "control", day(0)), ("a", "control", day(1)), ("b", "treatment", day(1)), ("c", "control", day(2)),
         ("late", "treatment", day(2))],
    )  # fmt: skip
    pipeline.run()

    again = [e for e in entries(pipeline, before) if e.kind is Kind.PARTIALS and e.state is State.COMPUTED]
    (late,) = {assignment for e in again for assignment in e.assignments}
    assigned = [e for e in entries(pipeline, before) if e.kind is Kind.ENROLLMENTS and e.batch is not None]
    assert [e.batch for e in assigned] == [late]
    assert of_unit(pipeline.values("hours", Period.DAY), "late") == [1]
    assert of_unit(pipeline.values("hours", Period.DAY), "a") == [1]


def test_a_unit_whose_first_event_comes_late_moves_to_its_earlier_date(pipeline: Pipeline) -> None:
    pipeline.today = at(day(3))
    pipeline.put("assignments", ASSIGNED, [("a", "control", day(1)), ("b", "treatment", day(2))])
    pipeline.put("exposures", EXPOSED, [("a", day(2))])
    hours = [("a", day(n), float(10**n), 1, None) for n in range(3)] + [("b", day(2), 5.0, 1, None)]
    load(pipeline, hours)
    pipeline.plan = planned(simple(HOURS), as_of=day(2))
    pipeline.run()
    assert of_unit(pipeline.values("hours", Period.DAY), "a") == [10]

    pipeline.put("assignments", ASSIGNED,
        [("a", "control", day(0)), ("a", "control", day(1)), ("b", "treatment", day(2))])  # fmt: skip
    pipeline.run()

    assert of_unit(pipeline.values("hours", Period.DAY), "a") == [1]
    assert of_unit(pipeline.values("hours", Period.DAY), "b") == [5]


def test_a_segment_that_is_added_reads_its_own_source_and_no_date_of_any_metric(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.put("os", {"client_id": "STRING", "submission_date": "DATE", "linux": "BOOL"}, [("a", day(0), True)])
    pipeline.run()
    before = len(entries(pipeline))

    segment = Segment("linux", "os", "COALESCE(LOGICAL_OR(ds.linux), FALSE)")
    source = SegmentDataSource("os", "telemetry.os", "client_id", "submission_date", 0, 0)
    config = replace(simple(HOURS), segments=(segment,), segment_data_sources=(source,))
    pipeline.plan = planned(config, as_of=WEEK_DUE)
    pipeline.run()

    assert dates_read(pipeline, before) == []
    kinds = [entry.kind for entry in entries(pipeline, before)]
    assert Kind.VALUES not in kinds
    assert kinds.count(Kind.SEGMENTS) == 1
    assert [e for e in entries(pipeline, before) if e.kind is Kind.ENROLLMENTS and e.batch is not None] == []
    assert Kind.STATISTICS in kinds


def test_partials_that_are_gone_are_read_again(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    pipeline.engine.delete(names.partials(pipeline.plan, "activity"))
    pipeline.plan = planned(simple(HOURS), as_of=WEEK_DUE + timedelta(days=7))
    load(pipeline, activity(LAST + 7))
    pipeline.today = at(WEEK_DUE + timedelta(days=8))

    pipeline.run()

    assert total(pipeline) == 42
    assert any(entry.state is State.LOST for entry in entries(pipeline))


def hidden(pipeline: Pipeline, last_left: int) -> None:
    """A date of partials is gone, and rows of the first dates up to `last_left` are there once more, uncounted."""
    partials = names.partials(pipeline.plan, "activity")
    left = f"SELECT p.* REPLACE (7 AS batch) FROM `{partials}` AS p WHERE p.submission_date <= DATE '{day(last_left)}'"
    layout = Layout("submission_date", ("analysis_id",))
    pipeline.engine.query_to_table(Sql(left), partials, write=Write.APPEND, labels={}, layout=layout)
    others = "p.submission_date < DATE '{0}' OR p.submission_date > DATE '{0}' OR p.submission_date IS NULL".format(
        day(3)
    )
    others = f"SELECT p.* FROM `{partials}` AS p WHERE {others}"
    pipeline.engine.query_to_table(Sql(others), partials, write=Write.TRUNCATE, labels={}, layout=layout)


def test_rows_that_a_killed_task_left_hide_no_date_that_is_gone(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    hidden(pipeline, 1)
    before = len(entries(pipeline))

    pipeline.run()

    assert dates_read(pipeline, before) == [day(3)]
    assert total(pipeline) == 21


def test_rows_that_a_killed_task_left_hide_no_date_that_had_as_many(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    hidden(pipeline, 0)
    before = len(entries(pipeline))

    pipeline.run()

    assert dates_read(pipeline, before) == [day(3)]


def test_values_that_are_gone_are_merged_again_without_telemetry(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    before = len(entries(pipeline))
    for table in pipeline.engine.tables("results", prefix="values_"):
        pipeline.engine.delete(table.name)

    pipeline.run()

    assert total(pipeline) == 21
    assert dates_read(pipeline, before) == []


def test_estimates_that_are_gone_are_made_again(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    before = len(entries(pipeline))
    pipeline.engine.delete(names.statistics(pipeline.plan))

    ended = pipeline.run()

    assert not ended["stats-week-hours"].idle
    kinds = {entry.kind for entry in entries(pipeline, before) if entry.state is State.COMPUTED}
    assert kinds == {Kind.STATISTICS}


def test_a_date_that_changed_is_read_at_once_for_units_that_came_late_too(pipeline: Pipeline) -> None:
    pipeline.today = at(day(3))
    rows = [row for row in activity(LAST, units=("a", "b", "late")) if row[1] <= day(2)]
    load(pipeline, [row for row in rows if row[:2] != ("a", day(2))])
    pipeline.put("exposures", EXPOSED, [("a", day(2))])
    pipeline.put("assignments", ASSIGNED, [("a", "control", day(0)), ("b", "treatment", day(2))])
    pipeline.plan = planned(simple(HOURS, periods=[Period.DAY]), as_of=day(2))
    pipeline.run(only=[EnrollmentsTask, SourceTask])
    before = len(entries(pipeline))

    load(pipeline, rows)
    pipeline.put("assignments", ASSIGNED,
        [("a", "control", day(0)), ("b", "treatment", day(2)), ("late", "treatment", day(2))],
    )  # fmt: skip
    pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert of_unit(pipeline.values("hours", Period.DAY), "late") == [1]
    assert of_unit(pipeline.values("hours", Period.DAY), "a") == [1]
    assert dates_read(pipeline, before).count(day(2)) == 1


def test_a_date_that_lost_rows_since_any_column_was_read_is_not_read_again_for_another(pipeline: Pipeline) -> None:
    clicks = metric("clicks", "SUM(clicks)")
    pipeline.today = at(WEEK_DUE + timedelta(days=2))
    load(pipeline, activity(LAST, units=("a",)))
    pipeline.run(only=[EnrollmentsTask, SourceTask])
    load(pipeline, activity(LAST, units=("a", "b", "c")))
    pipeline.plan = planned(simple(HOURS, clicks), as_of=WEEK_DUE)
    pipeline.run(only=[EnrollmentsTask, SourceTask])
    before = len(entries(pipeline))

    load(pipeline, activity(LAST, units=("b", "c")))
    pipeline.today = at(WEEK_DUE + timedelta(days=3))
    pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert dates_read(pipeline, before) == []
    assert any('"2026-05-12":{"telemetry.activity":-1}' in entry.facts for entry in entries(pipeline, before))


@pytest.mark.parametrize("deletions", [(), (WEEK_DUE + timedelta(days=1),)])
def test_rows_that_were_replaced_by_as_many_are_told_and_not_read(
    pipeline: Pipeline, deletions: tuple[date, ...]
) -> None:
    pipeline.plan = planned(simple(HOURS), as_of=WEEK_DUE)
    pipeline.plan = replace(pipeline.plan, experiment=replace(pipeline.plan.experiment, deletions=Deletions(deletions)))
    pipeline.today = at(WEEK_DUE + timedelta(days=2))
    load(pipeline, activity(LAST))
    pipeline.run(only=[EnrollmentsTask, SourceTask])
    before = len(entries(pipeline))

    load(pipeline, activity(LAST, per_day=2.0))
    pipeline.today = at(WEEK_DUE + timedelta(days=3))
    pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert dates_read(pipeline, before) == []
    assert total(pipeline) == 21
    changed = {change.day: change.rows for change in facts_of(entries(pipeline)).changed}
    assert changed[WEEK_DUE] == 0


def test_exposures_are_not_read_again_while_some_date_of_theirs_has_lost_rows(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    late = ("b", day(2))
    pipeline.put("exposures", EXPOSED, [("a", day(0)), ("b", day(1)), late])
    pipeline.today = at(day(3))
    pipeline.plan = planned(simple(HOURS), as_of=day(2))
    pipeline.run(only=[EnrollmentsTask])
    pipeline.put("exposures", EXPOSED, [("b", day(1)), late])
    pipeline.run(only=[EnrollmentsTask])  # tells that day 0 has lost a row, and need not look at it again today
    before = len(entries(pipeline))

    pipeline.put("exposures", EXPOSED, [("b", day(1)), late, ("c", day(2))])
    pipeline.run(only=[EnrollmentsTask])

    query = Sql(f"SELECT e.analysis_id FROM {pipeline.units()} AS e WHERE e.exposure_date IS NOT NULL ORDER BY 1")
    assert pipeline.engine.query(query, labels={}).rows == (("a",), ("b",))
    assert any('"2026-05-06":{"telemetry.exposures":1}' in entry.facts for entry in entries(pipeline, before))


def test_a_direct_metric_stays_while_a_date_of_its_window_must_not_be_read_again(pipeline: Pipeline) -> None:
    pipeline.plan = planned(simple(DIRECT), as_of=WEEK_DUE)
    rows = activity(LAST)
    load(pipeline, [row for row in rows if row[:2] != ("c", WEEK_DUE)])
    pipeline.run(only=[EnrollmentsTask, SourceTask])

    load(pipeline, [row for row in rows if row[:2] != ("b", day(1))])
    pipeline.today = at(WEEK_DUE + timedelta(days=2))
    pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert of_unit(pipeline.values("direct", Period.WEEK), "b") == [7]
    assert of_unit(pipeline.values("direct", Period.DAY), "c")[-1] == 1  # nothing has gone from its window
