"""Finds what is known of a unit as a whole: its exposure, and the segments that it is in."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from jetstream_argo.config.model import SegmentDataSource
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import write
from jetstream_argo.run.telemetry import Read, Rows, Telemetry, changed, look, record_wait, to_look_at
from jetstream_argo.sql import names
from jetstream_argo.sql.enrollments import exposures_query, segment_dates, segments_query
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import StoredUnits
from jetstream_argo.store.coverage import StoredBatch
from jetstream_argo.store.entries import Kind, State

# Gives the query for some columns, of the units of some assignments, into a batch.
Query = Callable[[StoredUnits, tuple[str, ...], tuple[int, ...], int], Sql]


@dataclass(frozen=True, slots=True)
class Traits:
    """Columns about units that are made of the rows of some dates, both included."""

    kind: Kind
    rows: Rows
    columns: tuple[str, ...]
    first_date: date
    last_date: date
    query: Query

    @property
    def days(self) -> tuple[date, ...]:
        """The dates that are read."""
        return tuple(dates_between(self.first_date, self.last_date))


def traits_of(context: Context) -> Iterator[Traits]:
    """Yield what the plan asks about units: each is read by itself, and none because another has changed."""
    plan = context.plan
    if plan.enrollments.exposures_sql is not None:
        yield _exposures(context, plan.enrollments.exposures_sql)
    for source in plan.enrollments.segment_sources:
        yield _segments(context, source)


def ensure_traits(context: Context, traits: Traits) -> None:
    """Read what is missing of some traits, or has changed.

    Raises:
        NotLoaded: telemetry that it is read from is not there yet.
    """
    todo, telemetry = unread_traits(context, traits)
    groups: dict[tuple[int, ...], list[str]] = {}
    for column, assignments in todo.items():
        groups.setdefault(assignments, []).append(column)
    for assignments, columns in groups.items():
        if telemetry is not None:
            _read(context, traits, telemetry, tuple(columns), assignments)


def _read(
    context: Context, traits: Traits, telemetry: Telemetry, columns: tuple[str, ...], assignments: tuple[int, ...]
) -> None:
    batch = context.batch(traits.rows.name, *columns, *assignments)
    sql = traits.query(context.currency().units, columns, assignments, batch)
    entry = replace(
        context.entry(traits.kind, State.COMPUTED),
        table=traits.rows.table,
        source=traits.rows.name,
        batch=batch,
        keys=columns,
        assignments=assignments,
    )
    entry = telemetry.read(entry, traits.first_date, traits.last_date)
    write(context, sql, entry, context.layout(cluster_by=("analysis_id",)))


def unread_traits(context: Context, traits: Traits) -> tuple[Mapping[str, tuple[int, ...]], Telemetry | None]:
    """Return which columns have to be read, each for which assignments, and the telemetry to read them from.

    Raises:
        NotLoaded: telemetry that they are read from is not there yet.
    """
    everybody = context.currency().units.assignments
    batches = {
        column: {
            a: found for a, found in context.ledger.batches_for(traits.rows.table, column).items() if a in everybody
        }
        for column in traits.columns
    }
    lacking = {column: tuple(a for a in everybody if a not in found) for column, found in batches.items()}
    todo = {column: assignments for column, assignments in lacking.items() if assignments}
    reads = tuple(dict.fromkeys(_reads(batches.values(), traits)))
    looks = to_look_at(context, traits.rows, reads)
    if not todo and not looks:
        return {}, None
    telemetry = look(context, traits.rows, traits.first_date, traits.last_date)
    again = changed(context, telemetry, looks, beside=reads)  # one query reads all dates
    todo |= {column: everybody for column, found in batches.items() if not again.isdisjoint(_reads([found], traits))}
    awaited = telemetry.awaited(traits.days) if todo else {}
    if awaited:
        entry = replace(context.entry(traits.kind, State.WAITING), table=traits.rows.table, source=traits.rows.name)
        raise record_wait(context, entry, awaited)
    return todo, telemetry


def _reads(batches: Iterable[Mapping[int, StoredBatch]], traits: Traits) -> Iterator[Read]:
    """Yield how each date was read for what is held."""
    for of_column in batches:
        for found in of_column.values():
            for day in traits.days:
                yield Read(day, found.entry.recorded_at, found.entry.input_at(day.toordinal()))


def _exposures(context: Context, sql: str) -> Traits:
    plan = context.plan
    rows = Rows(
        name="exposures",
        sql=_with_units(sql),
        date_column=plan.enrollments.exposures_date_column,
        settle_days=plan.enrollments.settle_days,
        table=names.exposures(plan),
    )

    def query(units: StoredUnits, columns: tuple[str, ...], assignments: tuple[int, ...], batch: int) -> Sql:
        return exposures_query(plan, units, assignments, batch=batch)

    timeline = plan.experiment.timeline
    columns = (plan.enrollments.exposures_key,)
    return Traits(Kind.EXPOSURES, rows, columns, timeline.start, timeline.last_enrollment, query)


def _with_units(sql: str) -> Sql:
    """Return a query about exposures that can be looked at by itself: with units of which there are none."""
    unit = "CAST(NULL AS STRING) AS analysis_id, CAST(NULL AS STRING) AS branch"
    enrolled = "CAST(NULL AS DATE) AS enrollment_date, 0 AS num_enrollment_events"
    return Sql(f"WITH raw_enrollments AS (SELECT {unit}, {enrolled})\nSELECT x.*\nFROM (\n{sql.strip()}\n) AS x")


def _segments(context: Context, source: SegmentDataSource) -> Traits:
    plan = context.plan
    rows = Rows(
        name=source.name,
        sql=rows_alone(source.from_expression, source.date_column),
        date_column=source.date_column,
        settle_days=plan.enrollments.settle_days,
        table=names.segments(plan, source.name),
    )

    def query(units: StoredUnits, columns: tuple[str, ...], assignments: tuple[int, ...], batch: int) -> Sql:
        return segments_query(plan, source, columns, units, assignments, batch=batch)

    members = plan.enrollments.memberships
    own = tuple(dict.fromkeys(column for segment, column in members if segment.data_source == source.name))
    return Traits(Kind.SEGMENTS, rows, own, *segment_dates(plan, source), query)
