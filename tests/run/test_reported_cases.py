"""Situations that people reported of systems that do this job, from the file to the value."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.dialect.inference.columns import infer_tables
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, Pipeline

EXPERIMENT = """
[experiment]
slug = "case"
app_name = "shop"
branches = ["old", "new"]
reference_branch = "old"
start_date = "2026-05-04"
enrollment_period = 1
end_date = "2026-05-19"
enrollment_query = '''
SELECT user_id AS analysis_id, variant AS branch, MIN(day) AS enrollment_date FROM shop.assignments GROUP BY 1, 2
'''

[data_sources.events]
from_expression = "FROM_EXPRESSION"
client_id_column = "user_id"
submission_date_column = "DATE_COLUMN"
experiments_column_type = "none"

[metrics]
weekly = ["n"]
overall = ["n"]
[metrics.n]
data_source = "events"
select_expression = "COUNT(amount)"
[metrics.n.statistics.linear_model_mean_no_clip]
"""
AS_OF = date(2026, 5, 19)
EVENTS = [
    Column("user_id", "STRING"),
    Column("ts", "TIMESTAMP"),
    Column("dt", "DATETIME"),
    Column("day", "DATE"),
    Column("details", "STRUCT<amount INT64>"),
]


def case(root: Path, *, rows: str, date_column: str, metric: str = "COUNT(amount)", more: str = "") -> Pipeline:
    """Units of which each has an event at six in the evening of its first 14 days."""
    engine = EmbeddedEngine(root / "warehouse")
    units = [(f"u{i}", ("old", "new")[i // 2], START + timedelta(days=i % 2)) for i in range(4)]
    assigned: list[dict[str, Value]] = [
        {"user_id": unit, "variant": branch, "day": day} for unit, branch, day in units
    ]  # fmt: skip
    columns = [Column("user_id", "STRING"), Column("variant", "STRING"), Column("day", "DATE")]
    engine.load("shop.assignments", assigned, columns, write=Write.TRUNCATE, labels={})
    events = [event(unit, day + timedelta(days=k)) for unit, _, day in units for k in range(14)]
    engine.load("shop.events", events, EVENTS, write=Write.TRUNCATE, labels={})
    file = root / "case.toml"
    segments = 'segments = ["active"]\n' if "segments.active" in more else ""
    text = EXPERIMENT.replace("end_date =", f"{segments}end_date =")
    text = text.replace("FROM_EXPRESSION", rows).replace("DATE_COLUMN", date_column)
    file.write_text(text.replace('"COUNT(amount)"', f"'''{metric}'''") + more)
    return Pipeline(root / "warehouse", plan_experiment(str(file), ConfigSources(), as_of=AS_OF).plan)


def event(unit: str, day: date) -> dict[str, Value]:
    at = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    return {"user_id": unit, "ts": at, "dt": at.replace(tzinfo=None), "day": day, "details": {"amount": 1}}


@pytest.mark.parametrize("date_column", ["day", "ts", "dt"])
@pytest.mark.parametrize(
    "rows",
    [
        "(SELECT details.*, e.* FROM shop.events e)",
        "(SELECT e.details.*, e.user_id, e.ts, e.dt, e.day FROM shop.events e)",
        "(SELECT events.details.*, ts, dt, day, user_id FROM shop.events) AS o -- a struct's fields, and an alias",
    ],
)
def test_the_last_day_counts_whatever_the_date_is_and_a_structs_fields_are_columns(
    tmp_path: Path, rows: str, date_column: str
) -> None:
    pipeline = case(tmp_path, rows=rows, date_column=date_column)

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    weeks, overall = pipeline.values("n", Period.WEEK), pipeline.values("n", Period.OVERALL)
    assert {index: value for (_, _, index), value in weeks.items()} == {1: 7, 2: 7}
    assert set(weeks.values()) == {7}
    assert set(overall.values()) == {14}
    (source,) = pipeline.plan.sources
    inferred = infer_tables(f"SELECT SUM(ds.amount), MAX(ds.{date_column}) FROM {source.from_expression} AS ds")
    assert inferred["shop.events"]["details"].startswith("STRUCT<amount INT64")


@pytest.mark.parametrize(
    ("metric", "week", "all_weeks"),
    [
        ("COUNTIF(FORMAT_TIMESTAMP('%H', ts, 'Asia/Tokyo') = '03')", 7, 14),
        (
            "COUNTIF(PARSE_TIMESTAMP('%Y-%m-%d %H:%M', FORMAT_TIMESTAMP('%Y-%m-%d %H:%M', ts), 'Asia/Tokyo') < ts)",
            7,
            14,
        ),
        ("SUM(SAFE.LN(IF(EXTRACT(DAY FROM day) = 6, 0, 10)))", 6 * 2.302585092994046, 13 * 2.302585092994046),
    ],
)
def test_zones_and_domains_count_in_a_metric(tmp_path: Path, metric: str, week: float, all_weeks: float) -> None:
    pipeline = case(tmp_path, rows="shop.events", date_column="day", metric=metric)

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    weeks, overall = pipeline.values("n", Period.WEEK), pipeline.values("n", Period.OVERALL)
    assert [value for (_, _, index), value in weeks.items() if index == 1] == [pytest.approx(week)] * 4
    assert list(overall.values()) == [pytest.approx(all_weeks)] * 4


_NAMED = """
[experiment.exposure_signal]
name = "seen"
data_source = "events"
select_expression = "o.amount = 1 AND o.day < '2026-05-08'"
window_start = 0
window_end = 3
[segments.active]
data_source = "before"
select_expression = "COALESCE(COUNTIF(o.details.amount = 1) > 0, FALSE)"
[segments.data_sources.before]
from_expression = "shop.events AS o"
client_id_column = "user_id"
submission_date_column = "day"
window_end = 3
"""


@pytest.mark.parametrize(
    "metric",
    [
        "COUNTIF(`O`.day >= '2026-05-04' AND 'o.day' IS NOT NULL) -- o.day",
        "SUM((SELECT COUNT(o) FROM UNNEST([ds.amount]) AS o))",
    ],
)
def test_expressions_may_call_rows_by_the_name_that_from_expression_gives_them(tmp_path: Path, metric: str) -> None:
    rows = "(SELECT details.amount, user_id, day FROM shop.events) AS o"
    pipeline = case(tmp_path, rows=rows, date_column="day", metric=metric, more=_NAMED)

    pipeline.run()

    assert {index: value for (_, _, index), value in pipeline.values("n", Period.WEEK).items()} == {1: 7, 2: 7}
    assert set(pipeline.values("n", Period.OVERALL).values()) == {14}
