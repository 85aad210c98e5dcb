"""Writes rows into a table: new Parquet files first, then one swap of the table's pointer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, InvalidQuery
from jetstream_argo.warehouse.duckdb.compact import compacted
from jetstream_argo.warehouse.duckdb.copying import Copy, copied, partitioned, ranged
from jetstream_argo.warehouse.duckdb.errors import file_errors
from jetstream_argo.warehouse.duckdb.pointer import DataFile, Version
from jetstream_argo.warehouse.duckdb.rows import arrow_table
from jetstream_argo.warehouse.duckdb.session import Scan, Session
from jetstream_argo.warehouse.duckdb.store import PARTS, Store, TableName, remove
from jetstream_argo.warehouse.duckdb.types import casts, duckdb_type, quoted
from jetstream_argo.warehouse.types import Layout, Write


@dataclass(frozen=True, slots=True)
class Written:
    """What a write wrote, in all and by the value of the partition column, and what its query read."""

    rows: int
    by_partition: Mapping[str, int]
    scan: Scan


class Writer:
    """Writes tables; every write is one version of the table, whole or not at all."""

    def __init__(self, store: Store, session: Session) -> None:
        self._store = store
        self._session = session

    def write(
        self, rows: str, columns: tuple[Column, ...], name: TableName, write: Write, layout: Layout, *, sql: str = ""
    ) -> Written:
        """Write the rows of DuckDB's query `rows`, made from `sql`, as columns of the given BigQuery types.

        Raises:
            Conflict: the table exists and must not.
            InvalidQuery: a column has another type in the table.
        """
        before = self._store.current(name)
        _check(name, before, columns, write)
        layout = _layout(layout, before, columns, write)
        _check_layout(name, layout, columns, before if write is Write.APPEND else None)
        with file_errors():
            return self._written(rows, columns, name, write, layout, sql)

    def _written(
        self, rows: str, columns: tuple[Column, ...], name: TableName, write: Write, layout: Layout, sql: str
    ) -> Written:
        staged = self._store.staged(name)
        parts = staged.with_name(staged.name.partition(".new")[0] + PARTS)
        try:
            copies = self._copied(rows, columns, layout, sql, staged, parts)
            scan = self._session.scanned()
            version, files = self._swapped(name, Version(columns=columns, layout=layout), copies, write)
        finally:
            remove(staged)
            remove(parts)
        return Written(sum(file.rows for file in files), _by_partition(files, version), scan)

    def _swapped(
        self, name: TableName, version: Version, copies: Sequence[Copy], write: Write
    ) -> tuple[Version, tuple[DataFile, ...]]:
        """Make the copies the table's own; return its state, and which files they are in it."""
        files = tuple(replace(copy.file, name=self._store.new_name()) for copy in copies)
        with self._store.locked(name):
            current = self._store.current(name)
            _check(name, current, version.columns, write)
            for copy, file in zip(copies, files, strict=True):
                copy.path.rename(self._store.folder(name) / file.name)
            version = replace(version, files=files)
            if write is Write.APPEND and current is not None:
                columns = _united(current.columns, version.columns)
                version = replace(current, columns=columns, files=(*current.files, *files))
                version = compacted(self._store, self._session, name, version)
            return self._store.swap(name, version), files

    @contextmanager
    def staged(self, rows: Sequence[Mapping[str, Value]], columns: Sequence[Column]) -> Iterator[str]:
        """Yield a query for the rows, which stay in Python's memory."""
        with self._session.arrow(arrow_table(rows, columns)) as staged:
            yield staged

    def _copied(
        self, rows: str, columns: tuple[Column, ...], layout: Layout, sql: str, staged: Path, parts: Path
    ) -> tuple[Copy, ...]:
        by = stored_by(columns, layout)
        names = {column.name for column in columns}
        order = [part for part in (by, *layout.cluster_by) if part in names]
        ordered = f" ORDER BY {', '.join(quoted(part) for part in order)}" if order else ""
        query = f"SELECT {casts(columns)} FROM ({rows}) AS _rows{ordered}"
        keyed = ranged(columns, layout)
        copies: tuple[Copy, ...] = ()
        if by is not None:
            copies = partitioned(self._session, query, parts, columns, keyed, by, sql=sql)
            query = f"{query} LIMIT 0"
        return copies or (copied(self._session, query, staged, columns, keyed, sql=sql),)


def stored_by(columns: Sequence[Column], layout: Layout) -> str | None:
    """Return the column for whose values there are files of their own.

    Of moments there are as many as rows: a file for each would be a burden, and nothing is pruned by their day.
    """
    types = {column.name: duckdb_type(column.type) for column in columns}
    stored = types.get(layout.partition_by or "")  # rows that are appended may lack the column
    return None if stored is None or stored.startswith("TIMESTAMP") else layout.partition_by


def rows_by_partition(version: Version) -> Mapping[str, int]:
    """Return how many rows each partition has; nothing of a table that has none."""
    return _by_partition(version.files, version) if stored_by(version.columns, version.layout) is not None else {}


def _by_partition(files: Sequence[DataFile], version: Version) -> dict[str, int]:
    is_stored = stored_by(version.columns, version.layout) is not None
    rows: dict[str, int] = {}
    for file in files:
        value = (file.partition or "NULL") if is_stored else ""
        rows[value] = rows.get(value, 0) + file.rows
    return {value: count for value, count in rows.items() if count}


def _check(name: TableName, current: Version | None, columns: Sequence[Column], write: Write) -> None:
    if current is None:
        return
    if write is Write.EMPTY:
        raise Conflict(f"table {name} exists already; it was to be made by this write")
    if current.view_sql is not None:
        raise InvalidQuery(f"{name} is a view; rows cannot be written to it")
    if write is Write.APPEND and current.external is not None:
        raise InvalidQuery(f"{name} is read in place, where rows cannot be added to it; load all of it as a table")
    if write is Write.APPEND:
        known = {column.name.lower(): column for column in current.columns}
        for column in columns:
            there = known.get(column.name.lower())
            if there is not None and duckdb_type(there.type) != duckdb_type(column.type):
                raise InvalidQuery(
                    f"column {column.name!r} of table {name} is {there.type}; the rows to append have {column.type}"
                )


def _layout(given: Layout, before: Version | None, columns: Sequence[Column], write: Write) -> Layout:
    """Return the layout given, or the table's own, as far as rows that replace it still have its columns."""
    if before is None or (write is not Write.APPEND and given != Layout()):
        return given
    if write is Write.APPEND:
        return before.layout
    names = {column.name for column in columns}
    own = before.layout
    return replace(
        own,
        partition_by=own.partition_by if own.partition_by in names else None,
        cluster_by=tuple(name for name in own.cluster_by if name in names),
    )


def _check_layout(name: TableName, layout: Layout, columns: Sequence[Column], before: Version | None) -> None:
    names = {column.name for column in (*columns, *(before.columns if before is not None else ()))}
    for part in (layout.partition_by, *layout.cluster_by):
        if part is not None and part not in names:
            raise InvalidQuery(f"table {name} is laid out by {part!r}, which is none of its columns {sorted(names)}")


def _united(there: Sequence[Column], new: Sequence[Column]) -> tuple[Column, ...]:
    known = {column.name.lower() for column in there}
    return (*there, *(column for column in new if column.name.lower() not in known))
