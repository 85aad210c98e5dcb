"""Windows that begin with enrollment and grow by a week: made from what was read for others."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis, ExposureSignal, MetricDefinition, SignalBound
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Value
from jetstream_argo.plan.windows import AnalysisWindow, Timeline, due_windows
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Kind
from tests.worlds.pipeline import BOTH, START, Pipeline, experiment, metric, planned, source, summary_of

AS_OF = START + timedelta(days=24)  # enrolled from 4 to 6 May: three whole weeks of every unit
CLICKS = metric("clicks", "SUM(clicks)")
DAYS = metric("days", "COUNT(DISTINCT submission_date)")
LAST = metric("last", "MAX_BY(os, submission_date)")
DIRECT = metric("direct", "APPROX_QUANTILES(clicks, 2)[OFFSET(1)]")
UNITS = {"a": ("control", 0), "b": ("treatment", 1), "c": ("treatment", 2), "idle": ("control", 0)}
Rows = list[dict[str, Value]]


def on(day: int) -> date:
    return START + timedelta(days=day)


def activity() -> Iterator[dict[str, Value]]:
    """A row a day and unit, with numbers that tell days apart; one on the day before, and one after all windows."""
    for unit in ("a", "b", "c"):
        for day in range(-2, 30):
            if day % 3 != len(unit):
                yield {"client_id": unit, "submission_date": on(day), "clicks": 1 << (day % 7), "os": f"os{day // 5}"}


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    periods = {Period.WEEK: [summary_of("clicks", "sum"), summary_of("days", "sum")]}
    made = Pipeline(tmp_path, planned(experiment([CLICKS, DAYS], [source("activity")], periods), as_of=AS_OF))
    made.put("assignments", {"unit": "STRING", "branch": "STRING", "day": "DATE"},
        [{"unit": unit, "branch": branch, "day": on(day)} for unit, (branch, day) in UNITS.items()])  # fmt: skip
    made.put("exposures", {"unit": "STRING", "day": "DATE"}, [{"unit": "a", "day": on(1)}, {"unit": "c", "day": on(2)}])
    made.put("activity", {"client_id": "STRING", "submission_date": "DATE", "clicks": "INT64", "os": "STRING"},
        list(activity()))  # fmt: skip
    return made


def cumulated(pipeline: Pipeline, *metrics: MetricDefinition, signal: ExposureSignal | None = None) -> None:
    """Ask for the cumulated weeks of metrics, beside what is asked for already."""
    periods = {
        Period.WEEK: [summary_of(metric.name, "sum") for metric in metrics if metric is not LAST],
        Period.CUMULATIVE_WEEKLY: [summary_of(metric.name, "count" if metric is LAST else "sum") for metric in metrics],
    }
    config = experiment(list(metrics), [source("activity")], periods, signal=signal)
    pipeline.plan = planned(config, as_of=AS_OF)


def test_windows_begin_with_enrollment_and_grow_by_a_week() -> None:
    timeline = Timeline(START, 2, None)

    assert due_windows(Period.CUMULATIVE_WEEKLY, timeline, as_of=AS_OF) == (
        AnalysisWindow(1, 0, 6),
        AnalysisWindow(2, 0, 13),
        AnalysisWindow(3, 0, 20),
    )


@pytest.mark.parametrize("basis", BOTH)
def test_the_values_are_those_of_all_days_so_far(pipeline: Pipeline, basis: Basis) -> None:
    cumulated(pipeline, CLICKS, DAYS, LAST, DIRECT)

    assert {result.exit_code for result in pipeline.run().values()} == {0}

    anchors = {unit: day for unit, (_, day) in UNITS.items()}
    if basis is Basis.EXPOSURES:
        anchors = {"a": 1, "c": 2}
    rows = list(activity())
    for name in ("clicks", "days", "last"):
        values = pipeline.values(name, Period.CUMULATIVE_WEEKLY, basis)
        assert len(values) == 3 * len(anchors)
        for (unit, _, window), value in values.items():
            first, last = on(anchors[unit]), on(anchors[unit] + 7 * window - 1)
            own = [r for r in rows if r["client_id"] == unit and first <= r["submission_date"] <= last]  # type: ignore[operator]
            expected: dict[str, object] = {
                "clicks": sum(int(str(row["clicks"])) for row in own) if own else None,
                "days": len(own),
                "last": own[-1]["os"] if own else None,
            }
            assert value == expected[name], (unit, window)


def test_the_first_window_is_the_first_week_and_sums_grow(pipeline: Pipeline) -> None:
    cumulated(pipeline, CLICKS)
    pipeline.run()

    weekly, growing = (pipeline.values("clicks", period) for period in (Period.WEEK, Period.CUMULATIVE_WEEKLY))

    for unit, branch in (("a", "control"), ("b", "treatment")):
        weeks = [int(str(weekly[unit, branch, k])) for k in (1, 2, 3)]
        assert [growing[unit, branch, k] for k in (1, 2, 3)] == [sum(weeks[:k]) for k in (1, 2, 3)]


def test_no_telemetry_is_read_for_them(pipeline: Pipeline) -> None:
    pipeline.run()
    before = [e for e in read_ledger(pipeline.plan, pipeline.engine).entries if e.kind is Kind.PARTIALS]
    pipeline.engine.delete("telemetry.activity")

    cumulated(pipeline, CLICKS, DAYS)
    ended = pipeline.run()

    after = [e for e in read_ledger(pipeline.plan, pipeline.engine).entries if e.kind is Kind.PARTIALS]
    assert len(after) == len(before)
    assert {result.exit_code for result in ended.values()} == {0}
    assert len(pipeline.values("clicks", Period.CUMULATIVE_WEEKLY)) == 12


def test_readers_find_them_in_views_of_their_own(pipeline: Pipeline) -> None:
    cumulated(pipeline, CLICKS)
    pipeline.run()
    pipeline.do(build_dag(pipeline.plan).last)

    query = Sql(
        "SELECT window_index, window_start, window_end, point FROM results.statistics_try_it_cumulative_weekly\n"
        "WHERE statistic = 'sum' AND branch = 'control' AND analysis_basis = 'enrollments' AND comparison IS NULL\n"
        "ORDER BY window_index"
    )
    rows = pipeline.engine.query(query, labels={}).rows

    assert [(row[0], row[1], row[2]) for row in rows] == [("1", 0, 6), ("2", 0, 13), ("3", 0, 20)]
    assert all(float(str(earlier[3])) < float(str(later[3])) for earlier, later in pairwise(rows))
    assert pipeline.engine.info("results.try_it_enrollments_cumulative_weekly") is not None


def test_a_signal_within_the_window_exposes_from_then_on(pipeline: Pipeline) -> None:
    signal = ExposureSignal(
        "clicked", source("activity"), "clicks >= 64",
        SignalBound.ANALYSIS_WINDOW_START, SignalBound.ANALYSIS_WINDOW_END,
    )  # fmt: skip
    cumulated(pipeline, CLICKS, signal=signal)

    pipeline.run()

    values = pipeline.values("clicks", Period.CUMULATIVE_WEEKLY, Basis.EXPOSURES)
    exposed = [{unit for unit, _, index in values if index == window} for window in (1, 2, 3)]
    assert exposed[0] <= exposed[1] <= exposed[2] <= {"a", "b", "c"}
    assert exposed[2]


def test_they_are_merged_by_the_node_of_the_weeks(pipeline: Pipeline) -> None:
    cumulated(pipeline, CLICKS)

    nodes = {node.id: node for node in build_dag(pipeline.plan).nodes}

    assert "week-activity" in nodes["stats-cumulative-weekly-clicks"].dependencies
    assert names.values(pipeline.plan, Basis.ENROLLMENTS, "activity", Period.CUMULATIVE_WEEKLY) != names.values(
        pipeline.plan, Basis.ENROLLMENTS, "activity", Period.WEEK
    )
