"""The tables and views of the store as views of DuckDB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Damaged, Unsupported
from jetstream_argo.warehouse.duckdb.external import Attached, state_of
from jetstream_argo.warehouse.duckdb.integrity import Integrity, damage
from jetstream_argo.warehouse.duckdb.missing import missing
from jetstream_argo.warehouse.duckdb.pointer import DataFile, Version
from jetstream_argo.warehouse.duckdb.ranges import Bounds, Range, of_partition
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.duckdb.types import casts, duckdb_type, quoted, text_literal

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.session import Session
    from jetstream_argo.warehouse.duckdb.translations import TableRead, Translated
    from jetstream_argo.warehouse.duckdb.typing.scopes import RowType

_MANY = 1_000  # views, in a process that runs statement after statement


@dataclass(frozen=True, slots=True)
class Given:
    """A table that a statement reads, its state, and those of its files that DuckDB is given."""

    name: TableName
    version: Version
    files: tuple[DataFile, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A table of this process alone: a file outside of the store, or a query that is run whenever it is read."""

    columns: tuple[Column, ...]
    rows: "Path | Translated"


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """What a query was found to read: one state of every table, however often it is named."""

    versions: dict[TableName, Version] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)
    given: dict[str, Given] = field(default_factory=dict)


class Views:
    """Makes the views that translated queries read, each again when its table has changed.

    A view has the files that may hold rows within the bounds of a read, and no others.
    """

    def __init__(self, store: Store, session: "Session") -> None:
        self._store = store
        self._session = session
        self._made: dict[str, str] = {}
        self._integrity = Integrity()
        self._now = _Snapshot()
        self._attached = Attached()
        self.kept: dict[TableName, Kept] = {}

    def use(self, translated: "Translated") -> None:
        """Make the views and macros that the query needs.

        Raises:
            NotFound: a table does not exist.
            Damaged: a file is missing or is not what was written.
        """
        import duckdb

        if len(self._made) > _MANY:
            for name in self._made:
                self._session.connection.execute(f"DROP VIEW {quoted(name)}")
            self._made.clear()
        while True:
            self._now = _Snapshot()
            try:
                self._use(translated)
                return
            except (Damaged, duckdb.Error):
                if not self._have_moved():
                    raise

    def lost(self, *, whole: bool) -> bool:
        """Return whether files that the last query was given are missing or damaged; they will be looked at again."""
        found = False
        for relation, given in self._now.given.items():
            folder = self._store.folder(given.name)
            for file in given.files:
                if damage(folder / file.name, file, whole=whole):
                    self._integrity.forget(folder / file.name)
                    self._made.pop(relation, None)
                    found = True
        return found

    def attach(self, version: Version) -> None:
        """Have at hand what a table is read from, if that is a database."""
        self._attached.use(self._session.connection, version)

    def forget(self) -> None:
        """Make every view anew when it is needed again, because the connection that had them is gone."""
        self._made.clear()
        self._attached.forget()

    def given(self, translated: "Translated") -> Iterator[Given]:
        """Yield the tables that the query reads, those behind views and all that a wildcard matches included.

        Raises:
            NotFound: a table does not exist.
        """
        for read in translated.reads:
            for name in self._matches(read.table):
                version = self._current(name)
                if version.view_sql is None:
                    yield Given(name, version, wanted(version, read.bounds))
                else:
                    yield from self.given(self._session.translate(version.view_sql, read.bounds))

    def columns(self, table: str) -> "RowType":
        """Return the columns of a table or view, or of all tables that a wildcard matches.

        Raises:
            NotFound: a table does not exist.
            Unsupported: the tables of a wildcard have a column of several types.
        """
        from jetstream_argo.warehouse.duckdb.typing.kinds import kind_of
        from jetstream_argo.warehouse.duckdb.typing.scopes import RowType

        found: dict[str, str] = {}
        for name in self._matches(table):
            for column in self._current(name).columns:
                if found.setdefault(column.name, column.type) != column.type:
                    raise Unsupported(f"{table}: column {column.name!r} has several types in tables of that name")
        if "*" in table:
            found["_TABLE_SUFFIX"] = "STRING"
        return RowType(tuple((name, kind_of(type_)) for name, type_ in found.items()))

    def _use(self, translated: "Translated") -> str:
        self._session.define(translated.functions)
        return "".join(self._use_read(read) for read in translated.reads)

    def _use_read(self, read: "TableRead") -> str:
        signatures = self._now.signatures
        if read.relation not in signatures:
            signatures[read.relation] = self._use_wildcard(read) if "*" in read.table else self._use_one(read)
        return signatures[read.relation]

    def _use_one(self, read: "TableRead") -> str:
        name = self._store.name(read.table)
        kept = self.kept.get(name)
        if kept is not None:
            return self._use_kept(read, kept)
        version = self._now.versions.get(name) or self._current(name)
        self._now.versions[name] = version
        signature = f"{read.relation}@{state_of(version)};"
        if version.external is not None:
            self._attached.use(self._session.connection, version)
            return self._view(read, version.external.sql, signature)
        if version.view_sql is not None:
            inner = self._session.translate(version.view_sql, read.bounds)
            return self._view(read, inner.sql, signature + self._use(inner))
        files = wanted(version, read.bounds)
        self._now.given[read.relation] = Given(name, version, files)
        self._integrity.check(self._store.folder(name), files)
        return self._view(read, parquet_rows(self._store, name, version, files), signature)

    def _use_kept(self, read: "TableRead", kept: Kept) -> str:
        if isinstance(kept.rows, Path):
            rows = f"SELECT * FROM read_parquet({text_literal(str(kept.rows))}, hive_partitioning = false)"
            return self._view(read, rows, f"{read.relation}@{kept.rows.name};")
        rows = f"SELECT {casts(kept.columns)} FROM ({kept.rows.sql}) AS _rows"
        return self._view(read, rows, f"{read.relation}@{kept.rows.sql};{self._use(kept.rows)}")

    def _use_wildcard(self, read: "TableRead") -> str:
        prefix = self._store.name(read.table).table.removesuffix("*")
        matches = {match: replace(read, table=str(match)) for match in self._matches(read.table)}
        signature = "".join(self._use_read(match) for match in matches.values())
        rows = " UNION ALL BY NAME ".join(
            f"SELECT *, {text_literal(match.table.removeprefix(prefix))} AS _TABLE_SUFFIX FROM {quoted(found.relation)}"
            for match, found in matches.items()
        )
        return self._view(read, rows, signature)

    def _view(self, read: "TableRead", rows: str, signature: str) -> str:
        if self._made.get(read.relation) != signature:
            self._session.connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(read.relation)} AS {rows}")
            self._made[read.relation] = signature
        return signature

    def _have_moved(self) -> bool:
        """Whether a table has another state than the last query was to read."""
        for name, version in self._now.versions.items():
            current = self._store.current(name)
            if current is None or current.etag != version.etag:
                return True
        return False

    def _matches(self, table: str) -> list[TableName]:
        """Return the tables that a name with or without a wildcard means."""
        name = self._store.name(table)
        if "*" not in table:
            return [name]
        matches = self._store.names(name.project, name.dataset, name.table.removesuffix("*"))
        if not matches:
            raise missing(self._store, name)
        return matches

    def _current(self, name: TableName) -> Version:
        if name in self.kept:
            return Version(columns=self.kept[name].columns)
        version = self._store.current(name)
        if version is None:
            raise missing(self._store, name)
        return version


def wanted(version: Version, bounds: Bounds) -> tuple[DataFile, ...]:
    """Return the files that may have rows within the bounds; those of which nothing is known may."""
    types = {bound.column: version.type_of(bound.column) or "" for bound in bounds}
    usable = [bound for bound in bounds if bound.fits(types[bound.column])]
    found = []
    for file in version.files:
        ranges = {bound.column: _range(version, file, bound.column, types[bound.column]) for bound in usable}
        if file.rows and all(range_ is None or b.admits(range_) for b in usable for range_ in [ranges[b.column]]):
            found.append(file)
    return tuple(found)


def _range(version: Version, file: DataFile, column: str, type_: str) -> Range | None:
    for name, found in file.ranges.items():
        if name.lower() == column:
            return found
    stored_by = version.layout.partition_by
    return of_partition(file.partition, type_) if stored_by is not None and stored_by.lower() == column else None


def parquet_rows(store: Store, name: TableName, version: Version, files: Sequence[DataFile]) -> str:
    """Return a query for the rows in some of a table's files; a column that a file lacks is NULL there."""
    if version.external is not None:
        return version.external.sql
    folder = store.folder(name)
    paths = ", ".join(text_literal(str(folder / file.name)) for file in files)
    present = {column for file in files for column in file.columns}
    columns = ", ".join(_column(column, present=column.name in present) for column in version.columns)
    if not files:
        return f"SELECT {columns} LIMIT 0"
    by_name = ", union_by_name = true" if len({file.columns for file in files}) > 1 else ""
    return f"SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = false{by_name})"


def _column(column: Column, *, present: bool) -> str:
    name = quoted(column.name)
    return name if present else f"CAST(NULL AS {duckdb_type(column.type)}) AS {name}"
