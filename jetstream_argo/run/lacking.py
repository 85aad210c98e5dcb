"""Finds which dates of a source an experiment would read now, or says why it shares none of them with others."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from jetstream_argo.plan.sharing import Sharer, shared_columns
from jetstream_argo.plan.sources import Source
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.run.copying import SharedRows, left_over
from jetstream_argo.run.partials import rows_of
from jetstream_argo.run.reading import Reading, Wanted, due
from jetstream_argo.run.sparse import units_assigned
from jetstream_argo.run.telemetry import Telemetry
from jetstream_argo.sql import names
from jetstream_argo.store.dates import is_known
from jetstream_argo.store.shared import SharedBatch


@dataclass(frozen=True, slots=True)
class Lacking:
    """The dates of a source that an experiment would read now, and what is known of the tables behind it."""

    slug: str
    source: Source
    sharers: Mapping[date, Sharer]
    telemetry: Telemetry
    units: int


@dataclass(frozen=True, slots=True)
class NothingShared:
    """That an experiment shares no date of a source, and why: half a sentence."""

    reason: str


UNITS_UNKNOWN = NothingShared("their units are not known")
UP_TO_DATE = NothingShared("nothing is missing")
READ_FOR_ALL = NothingShared("what is missing was read for all already")
AWAITED = NothingShared("what is missing is not loaded yet")


def lacking_of(context: Context, source: Source, recorded: Iterable[SharedBatch]) -> Lacking | NothingShared:
    """Return what of a source an experiment would read now, but for what it can copy from `recorded`.

    Only dates count of whose tables the versions are known: others are not copied.
    """
    units = context.currency().units
    if not units.assignments:
        return UNITS_UNKNOWN
    wanted = [Wanted(read.first_date, read.last_date, read.columns) for read in source.reads]
    found = due(context, rows_of(context, source), wanted, units.assignments)
    if found.telemetry is None:
        return UP_TO_DATE
    if not found.readings:
        return AWAITED if found.awaited else UP_TO_DATE
    shared, telemetry = SharedRows.among(context, source, recorded), found.telemetry
    left = [rest for asked in found.readings for rest in left_over(asked, shared.copies(telemetry, asked))]
    if not left:
        return READ_FOR_ALL
    slug = context.plan.experiment.slug
    sharers = _sharers(slug, source, left, telemetry, units.batches)
    if not sharers:
        return NothingShared(_unknown(telemetry))
    number = units_assigned(context.ledger, names.assignments(context.plan), units.batches)
    return Lacking(slug, source, sharers, telemetry, number)


def _sharers(
    slug: str, source: Source, lacking: Iterable[Reading], telemetry: Telemetry, batches: tuple[int, ...]
) -> Mapping[date, Sharer]:
    columns: dict[date, dict[str, None]] = {}
    assignments: dict[date, dict[int, None]] = {}
    for reading in lacking:
        for day in dates_between(reading.first_date, reading.last_date):
            if is_known(telemetry.version(day)):
                columns.setdefault(day, {}).update(dict.fromkeys(reading.columns))
                assignments.setdefault(day, {}).update(dict.fromkeys(reading.assignments))
    of_all = shared_columns(source)
    return {
        day: Sharer(
            slug,
            batches,
            tuple(sorted(assignments[day])),
            source.branch_expression,
            tuple(sorted({of_all[column].column for column in columns[day]})),
        )
        for day in columns
    }


def _unknown(telemetry: Telemetry) -> str:
    """Return why it cannot be told whether a copy is what would be read: half a sentence."""
    reasons = [table.reason or table.table for table in telemetry.versions if not table.dates]
    if reasons:
        return f"what its tables hold of a date is not known ({'; '.join(reasons)})"
    return f"no table behind it has versions by date ({', '.join(telemetry.undated)})"
