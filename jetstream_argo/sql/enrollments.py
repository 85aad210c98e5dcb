"""The queries about who takes part: segments, exposures, and the dates on which a signal exposed units."""

from collections.abc import Sequence
from datetime import date, timedelta

from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.population import Signal
from jetstream_argo.sql.telemetry import between, date_of, unit_of
from jetstream_argo.sql.text import Sql, fill, lines, literal, literals
from jetstream_argo.sql.units import StoredUnits, assigned


def exposures_query(plan: AnalysisPlan, units: StoredUnits, assignments: Sequence[int], *, batch: int) -> Sql:
    """Return the query for (batch, analysis_id, branch, exposure_date, num_exposure_events) of some units.

    A unit that was not exposed has no row.
    """
    return fill(
        "exposures",
        units=assigned(plan, units),
        assignments=literals(assignments),
        batch=literal(batch),
        exposures=Sql((plan.enrollments.exposures_sql or "").strip()),
    )


def segments_query(
    plan: AnalysisPlan,
    source: SegmentDataSource,
    columns: Sequence[str],
    units: StoredUnits,
    assignments: Sequence[int],
    *,
    batch: int,
) -> Sql:
    """Return the query for (batch, analysis_id, branch, *columns) of some units: which segments each of them is in."""
    first, last = segment_dates(plan, source)
    of_column = {column: segment for segment, column in plan.enrollments.memberships}
    wanted = [Sql(f"{literal(batch)} AS batch"), Sql("e.analysis_id"), Sql("e.branch")]
    # A comment at the end of an expression must not swallow what follows it.
    wanted += [Sql(f"(\n  {of_column[column].select_expression}\n) AS {column}") for column in columns]
    return fill(
        "segments",
        units=assigned(plan, units),
        assignments=literals(assignments),
        columns=lines(wanted, indent=0),
        source=Sql(source.from_expression),
        unit=unit_of(source.id_column),
        date=date_of(source.date_column),
        dates=between(source.date_column, first, last),
        first_day=literal(source.window_start),
        last_day=literal(source.window_end),
    )


def segment_dates(plan: AnalysisPlan, source: SegmentDataSource) -> tuple[date, date]:
    """Return the first and last date of a segment data source that decide about some unit."""
    timeline = plan.experiment.timeline
    first, last = timeline.start, timeline.last_enrollment
    return first + timedelta(days=source.window_start), last + timedelta(days=source.window_end)


def signals_query(
    plan: AnalysisPlan,
    signal: Signal,
    units: StoredUnits,
    assignments: Sequence[int],
    *,
    first_date: date,
    last_date: date,
    batch: int,
) -> Sql:
    """Return the query that counts the signal's rows: (batch, analysis_id, branch, submission_date, count)."""
    return fill(
        "signals",
        batch=literal(batch),
        count=Sql(f"{signal.partial.expression} AS {signal.partial.column}"),
        units=assigned(plan, units),
        assignments=literals(assignments),
        source=Sql(signal.from_expression),
        unit=unit_of(signal.id_column),
        date=date_of(signal.date_column),
        dates=between(signal.date_column, first_date, last_date),
    )
