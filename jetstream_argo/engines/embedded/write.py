"""How rows get into a table: new Parquet files first, then one swap of the table's pointer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jetstream_argo.engines.embedded.compact import compacted
from jetstream_argo.engines.embedded.rows import document, structure
from jetstream_argo.engines.embedded.session import Scan, Session
from jetstream_argo.engines.embedded.store import DataFile, Store, TableName, Version, sync
from jetstream_argo.engines.embedded.types import casts, duckdb_type, quoted, text_literal
from jetstream_argo.engines.protocol import Column, Layout, Value, Write
from jetstream_argo.errors import Conflict, InvalidQuery

# One row group holds a partition of up to this many rows, so that what was read of a table can be counted in them.
_ROW_GROUP = 262_144
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, slots=True)
class Written:
    """What a write wrote, and what its query read."""

    rows: int
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
        files = self._copied(rows, columns, name, layout, sql)
        scan = self._session.scanned()
        with self._store.locked(name):
            current = self._store.current(name)
            _check(name, current, columns, write)
            version = Version(columns=columns, files=files, layout=layout)
            if write is Write.APPEND and current is not None:
                version = replace(current, columns=_united(current.columns, columns), files=(*current.files, *files))
                version = compacted(self._store, self._session, name, version)
            self._store.swap(name, version)
        return Written(sum(file.rows for file in files), scan)

    @contextmanager
    def staged(self, rows: Sequence[Mapping[str, Value]], columns: Sequence[Column]) -> Iterator[str]:
        """Yield a query for the rows, which DuckDB holds meanwhile."""
        text = document(rows, columns)
        casts = ", ".join(
            f"from_base64(element.{quoted(c.name)}) AS {quoted(c.name)}"
            if c.type.upper() == "BYTES"
            else f"element.{quoted(c.name)}"
            for c in columns
        )
        statement = (
            f"CREATE OR REPLACE TEMP TABLE _staged AS SELECT {casts} FROM (SELECT unnest(from_json_strict(?::JSON, "
            f"{text_literal(structure(columns))})) AS element)"
        )
        self._session.run(statement, "", [text])
        try:
            yield "SELECT * FROM _staged"
        finally:
            self._session.run("DROP TABLE IF EXISTS _staged", "")

    def _copied(
        self, rows: str, columns: Sequence[Column], name: TableName, layout: Layout, sql: str
    ) -> tuple[DataFile, ...]:
        types = {column.name: duckdb_type(column.type) for column in columns}
        # Of moments there are as many as rows: a file for each would be a burden, and nothing is pruned by their day.
        by = None if types.get(layout.partition_by or "", "").startswith("TIMESTAMP") else layout.partition_by
        order = [part for part in (by, *layout.cluster_by) if part]
        ordered = f" ORDER BY {', '.join(quoted(part) for part in order)}" if order else ""
        query = f"SELECT {casts(columns)} FROM ({rows}) AS _rows{ordered}"
        target = self._store.new_file(name)
        held = tuple(column.name for column in columns)
        if by is None:
            written = self._copy(query, target, "", sql)
            return tuple(DataFile(path.name, count, size, held) for path, count, size, _ in written)
        return self._partitioned(query, target, by, held, sql)

    def _partitioned(self, query: str, target: Path, by: str, held: tuple[str, ...], sql: str) -> tuple[DataFile, ...]:
        parts = target.with_suffix(".parts")
        option = f", PARTITION_BY ({quoted(by)}), WRITE_PARTITION_COLUMNS true"
        files = []
        for number, (path, count, size, keys) in enumerate(self._copy(query, parts, option, sql)):
            moved = target.with_name(f"{target.stem}-{number:05}.parquet")
            path.rename(moved)
            value = keys.get(by)
            files.append(DataFile(moved.name, count, size, held, None if value == _NO_PARTITION else value))
        for folder in sorted(parts.rglob("*"), reverse=True) if parts.exists() else ():
            folder.rmdir()
        if parts.exists():
            parts.rmdir()
        if not files:
            written = self._copy(f"{query} LIMIT 0", target, "", sql)
            return tuple(DataFile(path.name, count, size, held) for path, count, size, _ in written)
        return tuple(files)

    def _copy(self, query: str, target: Path, option: str, sql: str) -> list[tuple[Path, int, int, dict[str, str]]]:
        statement = (
            f"COPY ({query}) TO {text_literal(str(target))} "
            f"(FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP}, RETURN_STATS{option})"
        )
        rows = self._session.run(statement, sql).fetchall()
        for row in rows:
            sync(Path(row[0]))
        return [(Path(row[0]), int(row[1]), int(row[2]), dict(row[5] or {})) for row in rows]


def _check(name: TableName, current: Version | None, columns: Sequence[Column], write: Write) -> None:
    if current is None:
        return
    if write is Write.EMPTY:
        raise Conflict(f"table {name} exists already; it was to be made by this write")
    if current.view_sql is not None:
        raise InvalidQuery(f"{name} is a view; rows cannot be written to it")
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
    held = {column.name for column in columns}
    own = before.layout
    return replace(
        own,
        partition_by=own.partition_by if own.partition_by in held else None,
        cluster_by=tuple(name for name in own.cluster_by if name in held),
    )


def _check_layout(name: TableName, layout: Layout, columns: Sequence[Column], before: Version | None) -> None:
    held = {column.name for column in (*columns, *(before.columns if before is not None else ()))}
    for part in (layout.partition_by, *layout.cluster_by):
        if part is not None and part not in held:
            raise InvalidQuery(f"table {name} is laid out by {part!r}, which is none of its columns {sorted(held)}")


def _united(there: Sequence[Column], new: Sequence[Column]) -> tuple[Column, ...]:
    known = {column.name.lower() for column in there}
    return (*there, *(column for column in new if column.name.lower() not in known))
