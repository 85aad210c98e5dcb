"""Asks about telemetry that a node is about to read: which dates are there, and which to read again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from jetstream_argo.config.written import canonical
from jetstream_argo.errors import NotLoaded
from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.dates import Freshness, Judgement, awaited, judge, needs_look, version_of
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.warehouse.types import Knowledge, TableVersions


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of telemetry that are read by date: those of a query, whose dates come from `date_column`.

    `name` is what people call them, `table` the table of ours that they are read into.
    """

    name: str
    sql: Sql
    date_column: str
    settle_days: int
    table: str
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The versions of the tables behind some rows, as they were before anything was read.

    `undated` are the tables that have no versions by date: what is looked up in them makes nothing stale.
    """

    rows: Rows
    versions: tuple[TableVersions, ...]
    freshness: Freshness
    undated: tuple[str, ...] = ()

    def version(self, day: date) -> str:
        """Return what the tables hold of a date, as text for the record."""
        return version_of(day, self.versions)

    def read(self, entry: Entry, first: date, last: date) -> Entry:
        """Return `entry` as the record of the dates `first` to `last`, as they were."""
        versions = tuple(map(self.version, dates_between(first, last)))
        inputs = versions if any(versions) else ()
        return replace(entry, first_date=first, last_date=last, inputs=inputs, facts=self._facts())

    def _facts(self) -> str:
        """Return what is not known of the tables, as facts of the record."""
        unknown = {table.table: table.reason for table in self.versions if table.knowledge is Knowledge.UNKNOWN}
        found = {"unknown_versions": unknown, "undated": list(self.undated)}
        return canonical({name: about for name, about in found.items() if about}) if any(found.values()) else ""

    def awaited(self, days: Iterable[date]) -> dict[date, str]:
        """Return which of the dates are not there yet, each with a sentence that says so."""
        found: dict[date, str] = {}
        for day in days:
            table = awaited(day, self.versions, self.freshness)
            if table is not None:
                newest = table.newest or "none"
                found[day] = f"{table.table} of {day} is not loaded yet (newest: {newest})"
        return found


def freshness_of(context: Context, rows: Rows) -> Freshness:
    """Return what decides about the dates of `rows` today."""
    return Freshness(rows.settle_days, context.now().date(), rows.may_be_empty, context.deletions())


def look(context: Context, rows: Rows, first: date, last: date) -> Telemetry:
    """Ask the warehouse for the versions of the dates `first` to `last`."""
    tables = context.engine.base_tables(rows.sql)
    asked = context.engine.versions(tables, date_column=rows.date_column, first=first, last=last)
    undated = tuple(table for table in tables if asked[table].knowledge is Knowledge.NOT_BY_DATE)
    versions = tuple(asked[table] for table in tables if table not in undated)
    return Telemetry(rows, versions, freshness_of(context, rows), undated)


@dataclass(frozen=True, slots=True)
class Read:
    """A date that was read: when, and with which versions of its tables."""

    day: date
    at: datetime
    versions: str


def to_look_at(context: Context, rows: Rows, reads: Iterable[Read]) -> tuple[Read, ...]:
    """Return the dates that may have changed since they were read or looked at."""
    freshness = freshness_of(context, rows)
    seen = _looked_at(context, rows)
    return tuple(read for read in reads if needs_look(read.day, max(read.at, seen.get(read.day, read.at)), freshness))


def changed(
    context: Context, telemetry: Telemetry, reads: Sequence[Read], *, beside: Iterable[Read] = ()
) -> frozenset[Read]:
    """Return which of the dates are to be read again, and record what was seen of the others.

    A date of which some read must stay is not read again at all. What is read again together with all dates that are
    `beside` is not if one of those must stay.
    """

    def judged(read: Read) -> Judgement:
        return judge(read.day, read.versions, read.at, telemetry.version(read.day), telemetry.freshness)

    judgements = {read: judged(read) for read in reads}
    staying = {read.day for read, judgement in judgements.items() if judgement.stays}
    none_may = any(judged(read).stays for read in beside)
    again = {
        read
        for read, judgement in judgements.items()
        if judgement.read_again and not none_may and read.day not in staying
    }
    anew = {read.day for read in again}
    kept = {read.day: telemetry.version(read.day) for read in reads if read.day not in anew}
    ordered = sorted(
        reads, key=lambda read: (judgements[read].stays, read.at)
    )  # of several reads of a date the last one
    differs = {read.day: dict(judgements[read].changed) for read in ordered if read.day in kept}
    _record(context, telemetry, kept, {day: changes for day, changes in differs.items() if changes})
    return frozenset(again)


def _record(context: Context, telemetry: Telemetry, kept: dict[date, str], differs: dict[date, dict[str, int]]) -> None:
    """Record that the dates were looked at: once they have settled, or where something changed that nobody read."""
    rows, freshness = telemetry.rows, telemetry.freshness
    before = _last_looks(context, rows)
    worth = [
        day
        for day, version in kept.items()
        if freshness.today >= freshness.settles_on(day) or (day in differs and before.get(day) != version)
    ]
    entries: list[Entry] = []
    for run in consecutive(sorted(day.toordinal() for day in worth)):
        days = [date.fromordinal(ordinal) for ordinal in run]
        changes = {day.isoformat(): differs[day] for day in days if day in differs}
        entries.append(
            replace(
                context.entry(Kind.LOOK, State.COMPUTED),
                table=rows.table,
                source=rows.name,
                first_date=days[0],
                last_date=days[-1],
                inputs=tuple(kept[day] for day in days),
                facts=canonical({"changed_upstream": changes}) if changes else "",
            )
        )
    context.record(entries)


def _last_looks(context: Context, rows: Rows) -> dict[date, str]:
    seen: dict[date, str] = {}
    for entry in _looks(context, rows):
        seen |= {date.fromordinal(ordinal): entry.input_at(ordinal) for ordinal in entry.extent}
    return seen


def _looked_at(context: Context, rows: Rows) -> dict[date, datetime]:
    seen: dict[date, datetime] = {}
    for entry in _looks(context, rows):
        seen |= {date.fromordinal(ordinal): entry.recorded_at for ordinal in entry.extent}
    return seen


def _looks(context: Context, rows: Rows) -> Iterator[Entry]:
    for entry in context.ledger.complete(Kind.LOOK, rows.table):
        if entry.source == rows.name:
            yield entry


def record_wait(context: Context, entry: Entry, awaited: Mapping[date, str]) -> NotLoaded:
    """Record that dates are waited for, and return the error that says so."""
    first, last = min(awaited), max(awaited)
    message = awaited[first] if len(awaited) == 1 else f"{awaited[first]}, nor are later dates up to {last}"
    context.record(
        [replace(entry, state=State.WAITING, batch=None, first_date=first, last_date=last, message=message, inputs=())]
    )
    return NotLoaded(message)
