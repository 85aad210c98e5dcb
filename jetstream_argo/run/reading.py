"""The dates of telemetry that have to be read, into which columns and for whose units."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from jetstream_argo.plan.ranges import ranges
from jetstream_argo.run.context import Context
from jetstream_argo.run.telemetry import Read, Rows, Telemetry, changed, look, to_look_at
from jetstream_argo.store.coverage import ANYBODY, StoredBatch


@dataclass(frozen=True, slots=True)
class Wanted:
    """Dates, both included, that are wanted in these columns."""

    first_date: date
    last_date: date
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """Dates, both included, to be read at once into these columns, for the units of these assignments."""

    first_date: date
    last_date: date
    columns: tuple[str, ...]
    assignments: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be read, and the telemetry it is read from; dates that are `awaited` are not there yet."""

    readings: tuple[Reading, ...] = ()
    telemetry: Telemetry | None = None
    awaited: Mapping[date, str] = field(default_factory=dict)


def due(context: Context, rows: Rows, wanted: Sequence[Wanted], assignments: Sequence[int]) -> Due:
    """Return what of `wanted` is to be read: what was never read, and what has changed since.

    The warehouse is asked for versions only where something is missing or may have changed.
    """
    missing = _missing(context, rows, wanted, assignments)
    earlier = _earlier_reads(context, rows, wanted, assignments)
    looks = to_look_at(context, rows, dict.fromkeys(read for reads in earlier.values() for read in reads))
    days = [*missing, *(read.day for read in looks)]
    if not days:
        return Due()
    telemetry = look(context, rows, min(days), max(days))
    again = changed(context, telemetry, looks)
    for (day, column), reads in earlier.items():
        stale = {assignment for read in reads if read in again for assignment in reads[read]}
        if stale:
            stale.update(missing.get(day, {}).get(column, ()))  # units that came late lack the date altogether
            served = tuple(assignments) if ANYBODY in stale else tuple(a for a in assignments if a in stale)
            missing.setdefault(day, {})[column] = served
    awaited = telemetry.awaited(sorted(missing))
    there = {day: columns for day, columns in sorted(missing.items()) if day not in awaited}
    return Due(tuple(readings_of(there)), telemetry, awaited)


_Missing = dict[date, dict[str, tuple[int, ...]]]


def _missing(context: Context, rows: Rows, wanted: Sequence[Wanted], assignments: Sequence[int]) -> _Missing:
    missing: _Missing = {}
    for part in wanted:
        for column in part.columns:
            lacking = context.ledger.missing_dates(rows.table, column, part.first_date, part.last_date, assignments)
            for day, of_day in lacking.items():
                missing.setdefault(day, {})[column] = of_day
    return missing


def _earlier_reads(
    context: Context, rows: Rows, wanted: Sequence[Wanted], assignments: Sequence[int]
) -> dict[tuple[date, str], dict[Read, tuple[int, ...]]]:
    """Return, by date and column, how it was read, and for which assignments; what earlier ones had counts no more."""
    found: dict[tuple[date, str], dict[Read, tuple[int, ...]]] = {}
    for part in wanted:
        for column in part.columns:
            batches = context.ledger.batches_on(rows.table, column)
            for ordinal in range(part.first_date.toordinal(), part.last_date.toordinal() + 1):
                day = date.fromordinal(ordinal)
                counts = {a: found for a, found in batches.get(ordinal, {}).items() if a in (ANYBODY, *assignments)}
                reads = read_as(day, counts)
                if reads:
                    found[day, column] = reads
    return found


def read_as(day: date, batches: Mapping[int, StoredBatch]) -> dict[Read, tuple[int, ...]]:
    """Return in which ways a date was read, each with the assignments for which that counts."""
    reads: dict[Read, tuple[int, ...]] = {}
    for assignment, found in batches.items():
        read = Read(day, found.entry.recorded_at, found.inputs)
        reads[read] = (*reads.get(read, ()), assignment)
    return reads


def readings_of(missing: Mapping[date, Mapping[str, tuple[int, ...]]]) -> Iterable[Reading]:
    """Yield the fewest readings: dates that follow one another and lack the same columns for the same assignments."""
    lacking: dict[tuple[tuple[str, ...], tuple[int, ...]], list[date]] = {}
    for day, columns in missing.items():
        of_day: dict[tuple[int, ...], list[str]] = {}
        for column, assignments in columns.items():
            of_day.setdefault(assignments, []).append(column)
        for assignments, of_assignments in of_day.items():
            lacking.setdefault((tuple(of_assignments), assignments), []).append(day)
    for (names, assignments), days in lacking.items():
        for together in ranges(days, follows=lambda before, after: after - before == timedelta(days=1)):
            yield Reading(together[0], together[-1], names, assignments)
