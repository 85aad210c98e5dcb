"""Finds the tables, columns and dates of telemetry that an analysis plan reads."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from jetstream_argo.dialect.inference.columns import Guess, infer_columns
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import column, literal

# Constants that the unit's id and the branch are compared with, so that the inference of columns says where they are.
UNIT = "\x00unit"
BRANCH = "\x00branch"

ENROLLMENT_COLUMNS = {
    "raw_enrollments": (
        Column("analysis_id", "STRING"),
        Column("branch", "STRING"),
        Column("enrollment_date", "DATE"),
        Column("num_enrollment_events", "INT64"),
        Column("exposure_date", "DATE"),
        Column("num_exposure_events", "INT64"),
    )
}


class Purpose(StrEnum):
    """What the rows that a query reads are for."""

    ENROLLMENT = "enrollment"
    EXPOSURE = "exposure"
    MEASUREMENT = "measurement"


@dataclass(frozen=True, slots=True)
class Query:
    """A query that stands for some of the plan's reading; it has the plan's expressions and is never run."""

    purpose: Purpose
    sql: str


def queries(plan: AnalysisPlan) -> tuple[Query, ...]:
    """Return queries that together read what the plan reads, and compare ids with UNIT and branches with BRANCH."""
    return tuple(_queries(plan))


def read_columns(texts: tuple[Query, ...]) -> Mapping[str, Mapping[str, Guess]]:
    """Return what the queries say of the columns of each table they read."""
    return infer_columns(*(query.sql for query in texts), known=ENROLLMENT_COLUMNS)


def read_dates(plan: AnalysisPlan) -> tuple[date, date]:
    """Return the first and the last date of telemetry, both included, that the plan has a use for."""
    timeline = plan.experiment.timeline
    firsts, lasts = [timeline.start], [timeline.last_enrollment]
    for due in plan.periods:
        for window in due.windows:
            first, last = timeline.dates(window.first_day, window.last_day)
            firsts.append(first)
            lasts.append(last)
    for source in plan.enrollments.segment_sources:
        firsts.append(timeline.start + timedelta(days=source.window_start))
    if plan.signal is not None:
        firsts.append(plan.signal.first_date)
        lasts.append(plan.signal.last_date)
    return min(firsts), min(max(lasts), plan.as_of)


def _queries(plan: AnalysisPlan) -> Iterator[Query]:
    enrollments = plan.enrollments
    yield Query(Purpose.ENROLLMENT, _assignments(enrollments.sql, "enrollment_date"))
    if enrollments.exposures_sql is not None:
        yield Query(Purpose.EXPOSURE, _assignments(enrollments.exposures_sql, "exposure_date"))
    for segment_source in enrollments.segment_sources:
        selected = [s.select_expression for s, _ in enrollments.memberships if s.data_source == segment_source.name]
        yield _rows(segment_source.from_expression, segment_source.id_column, segment_source.date_column, selected)
    for source in plan.sources:
        selected = [metric.select_expression for metric in plan.metrics if metric.source == source.name]
        yield _rows(source.from_expression, source.id_column, source.date_column, selected, source.branch_expression)
    if plan.signal is not None:
        signal = plan.signal
        yield _rows(signal.from_expression, signal.id_column, signal.date_column, [signal.partial.expression])


def _assignments(sql: str, date_column: str) -> str:
    asked = f"q.analysis_id = {literal(UNIT)} AND q.branch = {literal(BRANCH)} AND q.{date_column} = e.enrollment_date"
    return f"SELECT 1 FROM (\n{sql}\n) AS q CROSS JOIN raw_enrollments AS e WHERE {asked}"


def _rows(source: str, id_column: str, date_column: str, selected: list[str], branch: str | None = None) -> Query:
    asked = [f"{column('ds', id_column)} = {literal(UNIT)}"]
    asked += [f"{column('ds', date_column)} = e.enrollment_date"]
    asked += [f"({branch}) = {literal(BRANCH)}"] if branch is not None else []
    values = ",\n".join(f"({expression}) AS value_{index}" for index, expression in enumerate(selected)) or "1"
    text = f"SELECT {values}\nFROM {source} AS ds CROSS JOIN raw_enrollments AS e\nWHERE {' AND '.join(asked)}"
    return Query(Purpose.MEASUREMENT, text)
