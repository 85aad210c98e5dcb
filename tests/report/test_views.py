from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.views import StoredMetrics, latest_estimates, unit_values
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import State
from jetstream_argo.warehouse.protocol import Engine
from tests.worlds import report as small

PLACE = Place("analysis", "new-tab")
GOLDEN = Path(__file__).parent / "golden"


def test_of_two_complete_batches_the_later_one_is_shown(engine: Engine):
    small.keep(engine, [small.estimate("hours", "old", 1.0), small.estimate("hours", "new", 2.0)])
    small.record(engine, [small.statistics_entry("hours", "new", 2), small.statistics_entry("hours", "old", 1)])

    assert _points(engine) == [("hours", "1", 2.0)]


def test_rows_of_a_batch_that_was_never_completed_are_not_shown(engine: Engine):
    small.keep(engine, [small.estimate("hours", "done", 1.0), small.estimate("hours", "killed", 2.0)])
    small.record(engine, [small.statistics_entry("hours", "done", 1)])

    assert _points(engine) == [("hours", "1", 1.0)]


def test_a_failure_after_a_success_leaves_the_success_in_place(engine: Engine):
    small.keep(engine, [small.estimate("hours", "done", 1.0)])
    failed = small.statistics_entry("hours", "", 2, state=State.FAILED, error="InvalidQuery")
    small.record(engine, [small.statistics_entry("hours", "done", 1), failed])

    assert _points(engine) == [("hours", "1", 1.0)]


def test_a_later_batch_without_rows_hides_the_earlier_one(engine: Engine):
    small.keep(engine, [small.estimate("hours", "done", 1.0)])
    small.record(
        engine,
        [small.statistics_entry("hours", "done", 1), small.statistics_entry("hours", "none", 2, state=State.NO_DATA)],
    )

    assert _points(engine) == []


def test_a_batch_counts_for_its_own_windows_and_metric_only(engine: Engine):
    rows = [
        small.estimate("hours", "both", 1.0),
        small.estimate("hours", "both", 1.5, window_index=2),
        small.estimate("hours", "second", 2.0, window_index=2),
        small.estimate("ads", "ads", 3.0),
    ]
    small.keep(engine, rows)
    small.record(
        engine,
        [
            small.statistics_entry("hours", "both", 1, (1, 2)),
            small.statistics_entry("hours", "second", 2, (2, 2)),
            small.statistics_entry("ads", "ads", 3),
        ],
    )

    assert _points(engine) == [("ads", "1", 3.0), ("hours", "1", 1.0), ("hours", "2", 2.0)]


def test_a_view_of_the_estimates_shows_a_batch_that_was_added_after_it_was_made(engine: Engine):
    small.keep(engine, [small.estimate("hours", "old", 1.0)])
    small.record(engine, [small.statistics_entry("hours", "old", 1)])
    view = names.statistics_view(PLACE, Period.WEEK)
    engine.create_view(view, latest_estimates(PLACE, [Period.WEEK]), labels={})

    small.keep(engine, [small.estimate("hours", "new", 2.0)])
    small.record(engine, [small.statistics_entry("hours", "new", 2)])

    shown = engine.query(Sql(f"SELECT v.point FROM `{view}` AS v"), labels={})
    assert shown.rows == ((2.0,),)


def test_the_view_of_the_estimates_begins_with_the_columns_that_todays_readers_know(engine: Engine):
    small.keep(engine, [small.estimate("hours", "old", 1.0)])
    small.record(engine, [small.statistics_entry("hours", "old", 1)])

    result = engine.query(latest_estimates(PLACE, [Period.WEEK]), labels={})

    # facts: the statistics row of the existing system, schema version 4, and its view's window_index
    assert [column.name for column in result.columns[:13]] == [
        *("metric", "statistic", "parameter", "branch", "comparison", "comparison_to_branch", "ci_width"),
        *("point", "lower", "upper", "segment", "analysis_basis", "window_index"),
    ]
    assert result.columns[12].type == "STRING"


def test_units_without_values_and_metrics_that_were_not_stored_are_null(engine: Engine):
    small.enroll(engine)
    small.store_values(engine, "clients", ["m_hours"], [("b1", "a", "control", 1, None, 5.0)])
    sql = unit_values(
        small.plan(), Basis.ENROLLMENTS, Period.WEEK, [small.HOURS, small.ADS, small.RATE], [_stored("b1")]
    )

    rows = _rows(engine, sql)

    day = date(2026, 5, 5)
    control, treatment = ("a", "control", day, 1, False), ("b", "treatment", day, 2, True)
    exposed = (date(2026, 5, 6), 3)
    assert rows == [
        (*control, 0, 6, None, None, "1", 5.0, None, None),
        (*control, 7, 13, None, None, "2", None, None, None),
        (*treatment, 0, 6, *exposed, "1", None, None, None),
        (*treatment, 7, 13, *exposed, "2", None, None, None),
    ]


def test_the_values_of_several_sources_and_batches_stand_in_one_row(engine: Engine):
    small.enroll(engine)
    weekly = [("b1", "a", "control", 1, None, 5.0), ("b2", "a", "control", 2, None, 6.0)]
    small.store_values(engine, "clients", ["m_hours"], [*weekly, ("killed", "a", "control", 1, None, 99.0)])
    small.store_values(engine, "events", ["m_ads"], [("b3", "a", "control", 2, None, 7.0)])
    stored = [_stored("b1", "b2"), _stored("b3", metric=small.ADS)]
    sql = unit_values(small.plan(), Basis.ENROLLMENTS, Period.WEEK, [small.HOURS, small.ADS], stored)

    rows = _rows(engine, sql)

    assert [(row[0], row[9], *row[10:]) for row in rows] == [
        ("a", "1", 5.0, None),
        ("a", "2", 6.0, 7.0),
        ("b", "1", None, None),
        ("b", "2", None, None),
    ]


def test_with_a_signal_the_exposures_are_those_seen_in_the_window(engine: Engine):
    small.enroll(engine, segments=())
    seen = date(2026, 5, 9)
    small.store_values(
        engine, "clients", ["m_hours"], [("b1", "b", "treatment", 2, seen, 5.0, 4)], basis=Basis.EXPOSURES
    )
    plan = small.plan([small.HOURS], segments=(), signal=small.SIGNAL)
    table = names.values(PLACE, Basis.EXPOSURES, "clients", Period.WEEK)
    sql = unit_values(plan, Basis.EXPOSURES, Period.WEEK, [small.HOURS], [replace(_stored("b1"), table=table)])

    exposures = [(row[0], row[8], row[6], row[7]) for row in _rows(engine, sql)]

    assert exposures == [
        ("a", "1", None, None),
        ("a", "2", None, None),
        ("b", "1", None, None),
        ("b", "2", seen, 4),
    ]


def test_a_metric_named_as_another_column_gets_a_name_of_its_own(engine: Engine):
    small.enroll(engine)
    metric = small.metric("Loyal")  # the warehouse ignores case, and there is a segment `loyal`

    sql = unit_values(small.plan([metric]), Basis.ENROLLMENTS, Period.WEEK, [metric], [])

    assert [column.name for column in engine.dry_run(sql).columns][-1] == "Loyal_metric"


@pytest.mark.parametrize("name", ["statistics_view", "values_view"])
def test_the_views_are_as_reviewed_and_run(engine: Engine, name: str):
    small.enroll(engine)
    small.store_values(engine, "clients", ["m_hours"], [("b1", "a", "control", 1, None, 5.0)])
    small.keep(engine, [small.estimate("hours", "old", 1.0)])
    small.record(engine, [small.statistics_entry("hours", "old", 1)])
    metrics = [small.HOURS, small.ADS]
    queries = {
        "statistics_view": latest_estimates(PLACE, [Period.WEEK]),
        "values_view": unit_values(small.plan(), Basis.ENROLLMENTS, Period.WEEK, metrics, [_stored("b1", "b2")]),
    }

    assert engine.query(queries[name], labels={}).rows
    assert queries[name] == (GOLDEN / f"{name}.sql").read_text()


def _stored(*batches: str, metric: object = small.HOURS) -> StoredMetrics:
    source = metric.source  # type: ignore[attr-defined]  # a Metric
    table = names.values(PLACE, Basis.ENROLLMENTS, source, Period.WEEK)
    return StoredMetrics(table, (WindowSlice(tuple(map(small.numbered, batches)), 1, 2, ()),), (metric,))  # type: ignore[arg-type]  # a Metric


def _points(engine: Engine) -> list[tuple[Value, ...]]:
    sql = Sql(f"SELECT v.metric, v.window_index, v.point FROM (\n{latest_estimates(PLACE, [Period.WEEK])}\n) AS v")
    return sorted(engine.query(sql, labels={}).rows, key=str)


def _rows(engine: Engine, sql: Sql) -> list[tuple[Value, ...]]:
    result = engine.query(Sql(f"SELECT v.* FROM (\n{sql}\n) AS v ORDER BY v.analysis_id, v.window_index"), labels={})
    return list(result.rows)
