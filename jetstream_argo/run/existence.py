"""Finds rows that the record counts and that are gone: in tables that were deleted, partitions that expired."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jetstream_argo.dialect.types import Value
from jetstream_argo.plan.ranges import consecutive
from jetstream_argo.run.context import Context
from jetstream_argo.sql.partitions import everywhere
from jetstream_argo.sql.text import Sql, identifier, literals, table
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.removals import RowsLeft, after_removal, rows_left
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import TableInfo

# In which column of a table a batch's rows say of which date or window they are.
PLACE = {
    Kind.PARTIALS: "submission_date",
    Kind.SIGNALS: "submission_date",
    Kind.VALUES: "window_index",
    Kind.STATISTICS: "window_index",
}
# By so much clocks here and there may differ; tables that were made anew so soon are found by their number of rows.
_CLOCKS_DIFFER = timedelta(minutes=10)
# Whose tables are partitioned by that column.
_PARTITIONED = (Kind.PARTIALS, Kind.SIGNALS, Kind.VALUES)
_WITH_ROWS = (Kind.ENROLLMENTS, Kind.EXPOSURES, Kind.SEGMENTS, *PLACE)


def note_losses(context: Context) -> tuple[Entry, ...]:
    """Record what of the experiment's rows is gone, by batches and dates or windows, so that it is computed anew.

    After a repair that did not come to record it, all tables are looked into.
    """
    repaired = was_repaired(context.ledger.entries)
    found = tuple(
        lost(context.entry(loss.entry.kind, State.LOST), loss)
        for loss in losses(context.engine, context.ledger.entries, labels=context.labels(), closely=not repaired)
    )
    context.record(found if repaired else (*found, context.entry(Kind.REPAIR, State.COMPUTED)))
    return found


def was_repaired(entries: Sequence[Entry]) -> bool:
    """Whether what the last repair took away is recorded, if there was one."""
    repairs = [entry.state for entry in entries if entry.kind is Kind.REPAIR]
    return not repairs or repairs[-1] is not State.WAITING


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows of the batch of `entry` that are gone: of the places `first` to `last`, or all where these are None."""

    entry: Entry
    message: str
    first: int | None = None
    last: int | None = None


def losses(
    engine: Engine, entries: Sequence[Entry], *, labels: Mapping[str, str], closely: bool = False
) -> Iterator[Loss]:
    """Yield what is gone of the rows that `entries` count.

    Tables are asked how many rows they have, and those that have more than were counted how many each partition has:
    rows that do not count may stand in for some that are gone. Only a table that has too few is looked into, or all of
    them `closely`.
    """
    counted = _counted(entries)
    infos = engine.infos(list(counted))
    for name, of_table in counted.items():
        info = infos.get(name)
        left: list[Entry] = []
        for entry in of_table:
            why = gone_with_table(info, entry)
            if why:
                yield Loss(entry, f"{name} {why}")
            else:
                left.append(entry)
        if info is not None and left and (closely or _has_fewer(engine, info, left)):
            yield from _missing(engine, name, left, labels)


def _has_fewer(engine: Engine, info: TableInfo, entries: Sequence[Entry]) -> bool:
    """Whether a table, or some partition of it, has fewer rows than were counted."""
    expected = sum(entry.rows for entry in entries)
    if info.rows < expected or entries[0].kind not in _PARTITIONED:
        return info.rows < expected
    rows = info.partitions
    if rows is None:
        rows = engine.rows_by_partition(info.name) if info.rows > expected else {}
    if not rows:
        return False
    counted: Counter[str] = Counter()
    for entry in entries:
        for place, count in zip(entry.extent, entry.counts, strict=False):
            counted[_partition(entry, place)] += count
    return any(rows.get(partition, 0) < count for partition, count in counted.items())


def _partition(entry: Entry, place: int) -> str:
    return date.fromordinal(place).isoformat() if entry.first_date is not None else str(place)


def _counted(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Return the entries that count rows, by table; one a batch."""
    lost = {(entry.table, entry.batch) for entry in entries if entry.state is State.LOST and not len(entry.extent)}
    places = _lost_places(entries)
    found: dict[str, dict[int, Entry]] = defaultdict(dict)
    removals: dict[str, Mapping[int, RowsLeft]] = {}
    for entry in entries:
        if entry.kind not in _WITH_ROWS or entry.state is not State.COMPUTED or entry.batch is None or not entry.rows:
            continue
        if (entry.table, entry.batch) not in lost:
            if entry.table not in removals:
                removals[entry.table] = rows_left(entries, entry.table)
            stayed = after_removal(entry, removals[entry.table].get(entry.batch))
            found[entry.table][entry.batch] = _without(stayed, places.get((entry.table, entry.batch)))
    return {name: list(of_table.values()) for name, of_table in found.items()}


def _lost_places(entries: Sequence[Entry]) -> dict[tuple[str, int | None], set[int]]:
    """Return by table and batch the dates or windows whose rows are known to be gone."""
    found: dict[tuple[str, int | None], set[int]] = defaultdict(set)
    for entry in entries:
        if entry.state is State.LOST:
            found[entry.table, entry.batch].update(entry.extent)
    return found


def _without(entry: Entry, gone: set[int] | None) -> Entry:
    """Return `entry` as if it had never counted the rows of the dates or windows that are `gone`."""
    if not entry.counts or not gone:
        return entry
    counts = tuple(0 if place in gone else count for place, count in zip(entry.extent, entry.counts, strict=True))
    return replace(entry, counts=counts, rows=entry.rows - (sum(entry.counts) - sum(counts)))


def lost(entry: Entry, loss: Loss) -> Entry:
    """Return `entry` as the record of a loss."""
    return replace(entry, **_about(loss))  # type: ignore[arg-type]  # fields of Entry


def gone_with_table(info: TableInfo | None, entry: Entry) -> str:
    """Return why all rows of an entry are gone, and the table with them; nothing if the table is the same."""
    if info is None:
        return "does not exist any more"
    if info.created is not None and entry.recorded_at < info.created - _CLOCKS_DIFFER:
        return f"was made anew at {info.created:%Y-%m-%d %H:%M}"
    return ""


def _missing(engine: Engine, name: str, entries: Sequence[Entry], labels: Mapping[str, str]) -> Iterator[Loss]:
    """Yield the dates or windows of which batches have fewer rows than were counted."""
    place = PLACE.get(entries[0].kind)
    there = rows_of_batches(engine, name, place, [entry.batch for entry in entries if entry.batch is not None], labels)
    for entry in entries:
        of_batch = there.get(entry.batch or 0, {})
        if sum(of_batch.values()) >= entry.rows:
            continue
        lost = [at for at, count in zip(entry.extent, entry.counts, strict=False) if of_batch.get(at, 0) < count]
        if not lost or place is None or (None in of_batch) != _has_probes(entry):
            yield Loss(entry, f"{name} has lost rows of a batch")
            continue
        for run in consecutive(lost):
            yield Loss(entry, f"{name} has lost rows", run[0], run[-1])


def _has_probes(entry: Entry) -> bool:
    """Whether some rows of the batch are of no date or window."""
    return bool(entry.counts) and entry.rows > sum(entry.counts)


def rows_of_batches(
    engine: Engine, name: str, place: str | None, batches: Iterable[int], labels: Mapping[str, str]
) -> dict[int, dict[int | None, int]]:
    """Return the rows of each batch by the ordinal of their date, or the index of their window."""
    at = Sql(f"t.{identifier(place)}") if place else Sql("CAST(NULL AS INT64)")
    sql = Sql(
        "-- One row per batch and date or window: how many rows there are.\n"
        f"SELECT t.batch, {at} AS place, COUNT(*) AS n\nFROM {table(name)} AS t\n"
        f"WHERE t.batch IN ({literals(tuple(batches))})\n  AND {everywhere('t', place)}\nGROUP BY t.batch, place\n"
    )
    found: dict[int, dict[int | None, int]] = {}
    for batch, value, count in engine.query(sql, labels=labels).rows:
        found.setdefault(int(str(batch)), {})[ordinal_of(value)] = int(str(count))
    return found


def ordinal_of(value: Value) -> int | None:
    """Return at which place rows are, from their date or window; None where they are at neither."""
    if isinstance(value, date):
        return value.toordinal()
    return None if value is None else int(str(value))


def _about(loss: Loss) -> dict[str, object]:
    entry = loss.entry
    about: dict[str, object] = {
        "table": entry.table,
        "batch": entry.batch,
        "keys": entry.keys,
        "metrics": entry.metrics,
        "source": entry.source,
        "basis": entry.basis,
        "period": entry.period,
        "message": loss.message,
    }
    if loss.first is not None and loss.last is not None:
        if entry.first_date is not None:
            about |= {"first_date": date.fromordinal(loss.first), "last_date": date.fromordinal(loss.last)}
        else:
            about |= {"first_window": loss.first, "last_window": loss.last}
    return about
