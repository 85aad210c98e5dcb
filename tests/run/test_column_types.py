"""Dates and units of any type that a column may have give what DATE and STRING give."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis, DataSource, ExposureSignal, MetricDefinition, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SignalTask, SourceTask
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import BOTH, START, Pipeline, experiment, planned, summary_of

DATES = ("DATE", "DATETIME", "TIMESTAMP")
ENROLLED = "SELECT unit AS analysis_id, branch, day AS enrollment_date, 1 AS num_enrollment_events FROM telemetry.units"


def day(n: int) -> date:
    return START + timedelta(days=n)


def moment(n: int, type_: str, *, hour: int = 18) -> Value:
    """Day `n`, in the evening where the type has times."""
    if type_ == "DATE":
        return day(n)
    at = datetime(2026, 5, 4, hour, 59, 59, 999999, tzinfo=UTC) + timedelta(days=n)
    return at if type_ == "TIMESTAMP" else at.replace(tzinfo=None)


def events(type_: str, dates: range, *, unit: str = "STRING") -> tuple[list[dict[str, Value]], list[Column]]:
    """Two events a day of the unit 7, one in the morning and one in the last microsecond of the evening."""
    rows = [
        {"who": 7 if unit == "INT64" else "7", "at": moment(n, type_, hour=hour), "n": 1, "x": {"at": moment(n, type_)}}
        for n in dates
        for hour in (0, 23)
    ]
    return rows, [Column("who", unit), Column("at", type_), Column("n", "INT64"), Column("x", f"STRUCT<at {type_}>")]


def world(
    root: Path,
    metrics: list[str],
    *,
    date_type: str = "DATE",
    unit_type: str = "STRING",
    enrolled_as: str = "STRING",
    date_column: str = "at",
    **more: object,
) -> Pipeline:
    """A unit that enrolled on the first day, its metrics, and 14 days of events from a week before on."""
    made = [MetricDefinition(f"m{number}", "events", text, (), BOTH) for number, text in enumerate(metrics)]
    source = DataSource("events", "telemetry.events", "who", date_column, None, None)
    due = {period: [summary_of(metric_.name, "sum") for metric_ in made] for period in (Period.DAY, Period.WEEK)}
    due[Period.PREENROLLMENT_WEEK] = [summary_of(metric_.name, "sum") for metric_ in made]
    config = experiment(
        made,
        [source],
        due,
        enrollment_days=1,
        enrollments_sql=ENROLLED,
        exposures_sql=None,
        **more,  # type: ignore[arg-type]
    )
    pipeline = Pipeline(root, planned(config, as_of=day(8)))
    rows, columns = events(date_type, range(-7, 8), unit=unit_type)
    put(pipeline, "events", rows, columns)
    units: list[dict[str, Value]] = [{"unit": 7 if enrolled_as == "INT64" else "7", "branch": "control", "day": day(0)}]
    columns = [Column("unit", enrolled_as), Column("branch", "STRING"), Column("day", "DATE")]
    put(pipeline, "units", units, columns)
    return pipeline


def put(pipeline: Pipeline, name: str, rows: list[dict[str, Value]], columns: list[Column]) -> None:
    pipeline.engine.load(f"telemetry.{name}", rows, columns, write=Write.TRUNCATE, labels={})


def week(pipeline: Pipeline, metric: str = "m0", period: Period = Period.WEEK) -> Value:
    return pipeline.values(metric, period)[("7", "control", 1)]  # type: ignore[return-value]


@pytest.mark.parametrize("date_type", DATES)
def test_a_window_has_its_last_day_whatever_type_the_date_has(tmp_path: Path, date_type: str):
    metrics = ["SUM(n)", "ARRAY_LENGTH(ARRAY_AGG(n ORDER BY at))", "COUNT(DISTINCT DATE(at))"]
    pipeline = world(tmp_path, metrics, date_type=date_type)

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    for period in (Period.WEEK, Period.PREENROLLMENT_WEEK):
        assert [week(pipeline, metric, period) for metric in ("m0", "m1", "m2")] == [14, 14, 7]
    assert set(pipeline.values("m0", Period.DAY).values()) == {2}


def test_a_date_in_a_struct_may_be_a_timestamp_too(tmp_path: Path):
    pipeline = world(tmp_path, ["SUM(n)"], date_type="TIMESTAMP", date_column="x.at")

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    assert week(pipeline) == 14


@pytest.mark.parametrize("date_type", DATES)
def test_segments_and_signals_see_their_last_day_too(tmp_path: Path, date_type: str):
    busy = Segment("busy", "before", "COALESCE(SUM(ds.n), 0) = 14 -- all")
    before = SegmentDataSource("before", "telemetry.events", "who", "at", -7, -1)
    rows = DataSource("seen", "telemetry.events", "who", "at", None, None)
    signal = ExposureSignal("seen", rows, "n = 1 -- any", 0, 0)
    pipeline = world(tmp_path, ["SUM(n)"], date_type=date_type, segments=((busy,), (before,)), signal=signal)

    pipeline.run(only=(EnrollmentsTask, SignalTask, SourceTask))

    enrolled = pipeline.engine.query(
        Sql(f"SELECT e.busy FROM {table(names.enrollments(pipeline.plan))} AS e"), labels={}
    )
    assert enrolled.rows == ((True,),)
    signals = Sql(
        f"SELECT s.submission_date, s.{pipeline.plan.signal.partial.column} "  # type: ignore[union-attr]
        f"FROM {table(names.signals(pipeline.plan))} AS s ORDER BY 1"
    )
    assert pipeline.engine.query(signals, labels={}).rows == ((day(0), 2), (day(1), 2))
    assert pipeline.values("m0", Period.WEEK, Basis.EXPOSURES) == {("7", "control", 1): 14}


@pytest.mark.parametrize("enrolled_as", ["STRING", "INT64"])
@pytest.mark.parametrize("unit_type", ["STRING", "INT64"])
def test_units_are_the_same_whether_they_are_text_or_numbers(tmp_path: Path, unit_type: str, enrolled_as: str):
    busy = Segment("busy", "before", "COALESCE(SUM(ds.n), 0) = 14 -- all")
    before = SegmentDataSource("before", "telemetry.events", "who", "at", -7, -1)
    pipeline = world(
        tmp_path, ["SUM(n)", "APPROX_QUANTILES(n, 1)[OFFSET(0)] + 13"],
        unit_type=unit_type, enrolled_as=enrolled_as, segments=((busy,), (before,)),
    )  # fmt: skip

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    assert (week(pipeline), week(pipeline, "m1")) == (14, 14)
    enrolled = pipeline.engine.info(names.enrollments(pipeline.plan))
    assert enrolled is not None
    assert enrolled.columns[0] == Column("analysis_id", "STRING")


def test_text_is_no_date(tmp_path: Path):
    pipeline = world(tmp_path, ["SUM(n)"])
    columns = [Column("who", "STRING"), Column("at", "STRING"), Column("n", "INT64")]
    put(pipeline, "events", [{"who": "7", "at": "20260504", "n": 1}], columns)

    failed = [error for result in pipeline.run(only=(EnrollmentsTask, SourceTask)).values() for error in result.failed]

    assert "EXTRACT(DAY, STRING)" in str(failed)


def test_the_distinct_times_of_a_day_are_not_taken_for_a_date(tmp_path: Path):
    pipeline = world(tmp_path, ["COUNT(DISTINCT at)"], date_type="TIMESTAMP")

    failed = [error for result in pipeline.run(only=(EnrollmentsTask, SourceTask)).values() for error in result.failed]

    assert "COUNT(DISTINCT DATE(at)) counts days" in str(failed)
