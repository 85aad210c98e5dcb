"""Copies rows that version 0.1 stored into the tables of now: with numbers for batches, and columns renamed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from jetstream_argo.run.context import Context
from jetstream_argo.run.existence import PLACE, rows_of_batches
from jetstream_argo.sql.text import Sql, identifier, lines, literal, table
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates_table import COLUMNS
from jetstream_argo.store.legacy import LegacyRecord
from jetstream_argo.warehouse.types import Layout, TableInfo, Write

# How many rows of a batch there are, by the ordinal of a date or the index of a window; None where it is of neither.
BatchNumbers = Mapping[int | None, int]

_UNIT = ("CAST(r.analysis_id AS STRING) AS analysis_id", "CAST(r.branch AS STRING) AS branch")
_KEYS = {
    Kind.PARTIALS: (*_UNIT, "r.enrollment_date", "r.submission_date"),
    Kind.SIGNALS: (*_UNIT, "r.submission_date"),
    Kind.VALUES: (*_UNIT, "r.window_index", "r.exposure_date", "r.num_exposure_events"),
}
_BATCHES_AT_ONCE = 2_000  # BigQuery takes queries of up to 1 MB, and a batch needs some sixty characters


def copy_rows(
    context: Context,
    record: LegacyRecord,
    info: TableInfo | None,
    new: str,
    entries: Sequence[Entry],
    columns: Mapping[str, str],
) -> Mapping[int, BatchNumbers]:
    """Append the rows of the batches of `entries` to the table `new`; return what is there of each whole batch.

    `info` is of the old table, None where it is gone. `columns` gives the new names of its columns; others are left.
    """
    batches = [entry.batch for entry in entries if entry.batch is not None]
    if info is None or not batches or not _has_dates(info):
        return {}
    kind = entries[0].kind
    wanted = [Sql(text) for text in _columns(kind, info, columns)]
    for start in range(0, len(batches), _BATCHES_AT_ONCE):
        names = {number: record.batches[number] for number in batches[start : start + _BATCHES_AT_ONCE]}
        context.engine.query_to_table(
            _copy(info.name, names, wanted),
            new,
            write=Write.APPEND,
            labels=context.labels(),
            layout=_layout(context, kind),
        )
    there = rows_of_batches(context.engine, new, PLACE[kind], batches, context.labels())
    gone = set(_gone(entries, there, removed=_removed(record, info.name)))
    return {batch: there.get(batch, {}) for batch in batches if batch not in gone}


def _has_dates(info: TableInfo) -> bool:
    """Whether rows of days are told apart by dates: what was made of times was not always what is made of them now."""
    return all(column.type == "DATE" for column in info.columns if column.name == "submission_date")


def _copy(old: str, batches: Mapping[int, str], columns: Iterable[Sql]) -> Sql:
    numbers = " ".join(f"WHEN {literal(text)} THEN {number}" for number, text in batches.items())
    wanted = lines([Sql(f"CASE r.batch {numbers} END AS batch"), *columns], indent=2)
    texts = ", ".join(literal(text) for text in batches.values())
    about = "-- The rows of a table of version 0.1 that count."
    return Sql(f"{about}\nSELECT\n  {wanted}\nFROM {table(old)} AS r\nWHERE r.batch IN ({texts})\n")


def _columns(kind: Kind, info: TableInfo, columns: Mapping[str, str]) -> Iterator[str]:
    there = {column.name for column in info.columns}
    if kind is Kind.STATISTICS:
        for column in COLUMNS:
            if column.name != "batch":
                name = identifier(column.name)
                yield f"r.{name}" if column.name in there else f"CAST(NULL AS {column.type}) AS {name}"
        return
    yield from _KEYS[kind]
    yield from (f"r.{old} AS {new}" for old, new in columns.items() if old in there)


def _layout(context: Context, kind: Kind) -> Layout:
    """Return the layout that such a table has when it is made by those who fill it."""
    if kind is Kind.STATISTICS:
        about = f"Estimates of {context.plan.experiment.slug}"
        return context.layout(partition_by="computed_at", cluster_by=("period", "metric"), description=about)
    return context.layout(partition_by=PLACE[kind], cluster_by=("analysis_id",))


def _removed(record: LegacyRecord, name: str) -> int:
    """Return how many rows of a table were removed on purpose, with the units that asked for it."""
    return sum(entry.rows for entry in record.entries if entry.kind is Kind.DELETION and entry.table == name)


def _gone(entries: Iterable[Entry], there: Mapping[int, BatchNumbers], *, removed: int) -> Iterator[int]:
    """Yield the batches that have fewer rows than were recorded, unless that many were removed from all of them."""
    lacking = {
        entry.batch: entry.rows - sum(there.get(entry.batch, {}).values())
        for entry in entries
        if entry.batch is not None and entry.state is State.COMPUTED
    }
    short = {batch: rows for batch, rows in lacking.items() if rows > 0}
    if sum(short.values()) > removed:
        yield from short
