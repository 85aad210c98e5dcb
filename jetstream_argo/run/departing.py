"""Finds units that telemetry no longer has, where that changes what their rows mean."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.run.context import Context
from jetstream_argo.run.reading import Reading
from jetstream_argo.run.telemetry import Telemetry
from jetstream_argo.sql import names
from jetstream_argo.sql.departed import Departed, departed_query
from jetstream_argo.sql.slices import DateSlice
from jetstream_argo.sql.text import Sql, literal, table
from jetstream_argo.sql.units import assigned
from jetstream_argo.store.dates import has_fewer
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.marks import is_carried, marked_batches
from jetstream_argo.warehouse.types import Write


def departed_of(context: Context, telemetry: Telemetry, reading: Reading) -> Departed | None:
    """Return the units that are gone, and their rows of other columns on those dates of which units may be gone.

    None where there are no such dates, which is how it is as a rule: then nothing is asked of the warehouse.
    """
    name = telemetry.rows.table
    entries = [entry for entry in context.ledger.complete(Kind.PARTIALS, name) if entry.batch is not None]
    depleted = [day.toordinal() for day in _depleted(entries, telemetry, reading)]
    columns = tuple(
        dict.fromkeys(column for entry in entries for column in entry.keys if column not in reading.columns)
    )
    earlier: list[DateSlice] = []
    for run in consecutive(depleted):
        first, last = date.fromordinal(run[0]), date.fromordinal(run[-1])
        earlier += context.ledger.date_slices(name, columns, first, last, context.currency().units.assignments)
    batch = departed_batch(context) if earlier else None
    if batch is None:
        return None
    marked = marked_batches(context.ledger.entries, name)
    return Departed(batch, tuple(earlier), any(not marked.isdisjoint(part.batches) for part in earlier))


def _depleted(entries: Sequence[Entry], telemetry: Telemetry, reading: Reading) -> Iterator[date]:
    """Yield the dates that were read before and of which rows of units may be gone since."""
    for ordinal in range(reading.first_date.toordinal(), reading.last_date.toordinal() + 1):
        day = date.fromordinal(ordinal)
        before = [entry for entry in entries if ordinal in entry.extent]
        now = telemetry.version(day)
        if before and (
            telemetry.freshness.is_sealed(day)
            or any(is_carried(entry) or has_fewer(entry.input_at(ordinal), now) for entry in before)
        ):
            yield day


def departed_batch(context: Context) -> int | None:
    """Return the batch of the assigned units that the enrollment query finds no more; None if it finds them all.

    They are looked up once in an attempt, and stored for the queries that need them.
    """
    plan, name = context.plan, names.departed(context.plan)
    batch = context.batch("departed")
    for entry in context.ledger.complete(Kind.DEPARTED, name):
        if entry.batch == batch:
            return batch if entry.rows else None
    units, deleted = assigned(plan, context.currency().units), plan.experiment.deletions.units_query
    sql = departed_query(plan.enrollments.sql, units, batch=batch, deleted=deleted)
    return batch if store_units(context, sql, batch).rows else None


def store_units(context: Context, sql: Sql, batch: int) -> Entry:
    """Append the units that a query gives to the table of those that are gone; return what was recorded of that."""
    name = names.departed(context.plan)
    layout = context.layout(cluster_by=("analysis_id",))
    job = context.engine.query_to_table(sql, name, write=Write.APPEND, labels=context.labels(), layout=layout)
    entry = replace(context.entry(Kind.DEPARTED, State.COMPUTED, [job]), table=name, batch=batch)
    context.record([entry])
    return entry


def marked_units(context: Context, name: str, entry: Entry) -> dict[str, object]:
    """Return, by branch, how many units of a batch of partials in `name` have rows that only say that they are gone."""
    sql = (
        "-- One row per branch: its units that were deleted upstream.\n"
        f"SELECT p.branch, COUNT(DISTINCT p.analysis_id) AS units\nFROM {table(name)} AS p\n"
        f"WHERE p.submission_date BETWEEN {literal(entry.first_date)} AND {literal(entry.last_date)}\n"
        f"  AND p.batch IN ({entry.batch or 0}) AND p.reason IS NOT NULL\nGROUP BY p.branch\nORDER BY p.branch\n"
    )
    rows = context.engine.query(Sql(sql), labels=context.labels()).rows
    return {str(branch): int(str(units)) for branch, units in rows}


def clipped(slices: Sequence[DateSlice], first: date, last: date) -> tuple[DateSlice, ...]:
    """Return the part of the slices from `first` to `last`."""
    parts = (
        replace(part, first_date=max(part.first_date, first), last_date=min(part.last_date, last)) for part in slices
    )
    return tuple(part for part in parts if part.first_date <= part.last_date)
