"""Answers the pipeline's questions to a warehouse from a folder on this machine."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING
from uuid import uuid4

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged, InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.intake import Intake
from jetstream_argo.warehouse.duckdb.leases import FileLeases
from jetstream_argo.warehouse.duckdb.limits import Limits
from jetstream_argo.warehouse.duckdb.memory import budget_mib
from jetstream_argo.warehouse.duckdb.session import Fetched, Scan, Session
from jetstream_argo.warehouse.duckdb.spill import SpillFolder
from jetstream_argo.warehouse.duckdb.storage import TableFiles
from jetstream_argo.warehouse.duckdb.store import Store
from jetstream_argo.warehouse.duckdb.tables import StoredTables
from jetstream_argo.warehouse.duckdb.types import bigquery_type
from jetstream_argo.warehouse.duckdb.versions import Versions
from jetstream_argo.warehouse.duckdb.write import Writer, Written
from jetstream_argo.warehouse.types import (
    PAGE_ROWS,
    DryRun,
    Job,
    Layout,
    Listed,
    Purged,
    Result,
    TableInfo,
    TableVersions,
    Write,
)

if TYPE_CHECKING:
    import pyarrow

    from jetstream_argo.warehouse.duckdb.translations import Translated

# The types of which DuckDB need not be asked what a translation has made of them.
_SCALARS = frozenset("BOOL INT64 FLOAT64 NUMERIC STRING BYTES DATE DATETIME TIMESTAMP TIME".split())


def _nonce() -> str:
    return uuid4().hex


class EmbeddedEngine:
    """A warehouse in the folder `root`: BigQuery's dialect on DuckDB over Parquet files.

    Any number of processes may use the folder at once. `project` is that of tables which are named without one; `udfs`
    is a file of functions to add to those of `functions.toml`.
    """

    bills_partitions = False

    def __init__(
        self,
        root: Path,
        *,
        project: str = "local",
        udfs: Path | None = None,
        limits: Limits = Limits(),
        clock: Callable[[], float] = time.time,
        nonce: Callable[[], str] = _nonce,
    ) -> None:
        self.memory_mib: int | None = limits.memory_mib if limits.memory_mib is not None else budget_mib()
        parent = limits.spill if limits.spill is not None else Path(tempfile.gettempdir())
        spill = SpillFolder(parent, nonce())  # DuckDB names its temporary files alike in every process
        settings = {"memory_limit": f"{self.memory_mib}MiB"}
        registry = load_registry(udfs)
        self._nonce = nonce
        self._store = Store(root, project, clock=clock, nonce=nonce)
        self._session = Session(self._store, project, registry, settings, spill, timeout_seconds=limits.timeout_seconds)
        self._writer = Writer(self._store, self._session)
        self._versions = Versions(self._store, self._session)
        self._leases = FileLeases(root / ".leases", nonce)
        self.root = root
        self.intake = Intake(self._store, self._session, self._writer)
        self._tables = StoredTables(root, project, self._store, self.intake)
        self._storage = TableFiles(self._store, spill)

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query and return its rows."""
        from jetstream_argo.warehouse.arrow import fitted

        started = time.perf_counter()

        def fetch(translated: "Translated") -> Fetched:
            _check_unique(translated.columns)
            return self._session.fetched(translated, sql)

        found = self._session.answer(sql, fetch)
        table = fitted(found.table, found.columns)
        return Result(found.columns, table, self._job(table.num_rows, started, found.scan))

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows, all or none, to a table, which is made if it is missing."""
        started = time.perf_counter()
        name = self._store.name(destination)

        def write_rows(translated: "Translated") -> Written:
            columns = self._columns(translated, sql)
            if layout.temporary and layout.read_once:
                self._session.keep_query(destination, columns, translated)
                return Written(0, {}, Scan())
            if layout.temporary:
                kept = self._session.keep(destination, columns, translated.sql, sql)
                return Written(kept, {"": kept}, self._session.scanned())
            return self._writer.write(translated.sql, columns, name, write, layout, sql=sql)

        return self._wrote(self._session.answer(sql, write_rows), started)

    def load(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
    ) -> Job:
        """Write rows, all or none, to a table, which is made if it is missing; a key that a row lacks is NULL."""
        started = time.perf_counter()
        _check_unique([column.name for column in columns])
        with self._writer.staged(rows, columns) as staged:
            if layout.temporary:
                kept = self._session.keep(destination, tuple(columns), staged, "")
                written = Written(kept, {"": kept}, self._session.scanned())
            else:
                written = self._writer.write(staged, tuple(columns), self._store.name(destination), write, layout)
        return self._wrote(written, started)

    def load_arrow(
        self,
        destination: str,
        table: "pyarrow.Table",
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
        columns: Sequence[Column] = (),
    ) -> Job:
        """Write an Arrow table's rows, as `load` does; `columns` says the types where Arrow's do not."""
        started = time.perf_counter()
        with self._session.arrow(table) as staged:
            if not columns:
                described = self._session.run(f"DESCRIBE {staged}", "").fetchall()
                columns = [Column(str(row[0]), bigquery_type(str(row[1]))) for row in described]
            written = self._writer.write(staged, tuple(columns), self._store.name(destination), write, layout)
        return self._wrote(written, started)

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Make or replace a view.

        Raises:
            Conflict: a table has that name.
        """
        columns = self._session.answer(sql, lambda translated: self._described(translated, sql))
        self._tables.create_view(name, sql, columns, description=description, labels=labels)

    def info(self, table: str) -> TableInfo | None:
        """Return what is known of a table or view, or None if there is none of that name.

        Raises:
            Damaged: a file of the table is missing, or has another size than was written.
        """
        return self._tables.info(table)

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        """Return, by the names asked for, what is known of those of many tables that there are."""
        return {table: info for table in tables if (info := self.info(table)) is not None}

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        self._tables.set_labels(table, labels)

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables and views of a dataset, by name."""
        return self._tables.listed(dataset, prefix)

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of the engine's own project, by name."""
        return self._tables.datasets()

    def delete(self, table: str) -> None:
        """Delete a table or view, if it is there."""
        if not self._session.forget(table):
            self._store.drop(self._store.name(table))

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read: all bytes of its tables."""
        described = self._session.answer(sql, lambda translated: self._session.describe(translated, sql))
        columns = tuple(Column(name, bigquery_type(type_)) for name, type_ in described)
        sizes = {given.name: given.version.bytes for given in self._session.given(sql)}
        return DryRun(columns, sum(sizes.values()))

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return the tables that a query reads, sorted: those behind views, all that a wildcard matches, no view."""
        return tuple(sorted({self._store.short(given.name) for given in self._session.given(sql)}))

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return, by the names asked for, the versions of the dates `first` to `last`, both included."""
        return {table: self._versions.within(table, date_column, first, last) for table in tables}

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return how many rows each partition of a table has, as `Job.written` names them; empty where it has none."""
        return self._tables.rows_by_partition(table)

    def lease(
        self, name: str, *, exclusive: bool, holder: str, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold the lease `name` (`dataset.name`): many may hold it shared, or one alone.

        A holder that died holds nothing.
        """
        full = str(self._store.name(name))
        return self._leases.held(full, exclusive=exclusive, holder=holder, wait_seconds=wait_seconds)

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove earlier versions of these tables, deleted ones too, and what writers left that died.

        Whoever reads without a lease finds the rows that there are now. The caller holds the exclusive lease.
        """
        return self._storage.purge(tables)

    def take_over(self) -> None:
        """Do nothing: a query ends with the process that asked."""

    def left_over(self, table: str) -> int:
        """Return how many files writers that died have left of a table, be it there or not; `purge` removes them."""
        return self._storage.left_over(table)

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return what is damaged of a table: its pointer, or files that it names; a table that is missing is not.

        Files of up to 32 MB are read whole and compared with their checksums; of larger ones length and ends are looked
        at. `delete` works for a table that is damaged, and so does replacing one of which only data files are.
        """
        return self._storage.verify(table)

    def salvage(self, table: str) -> None:
        """Make a damaged table what is left of it: the files that are whole; without its pointer that is none."""
        self._storage.salvage(table)

    def _columns(self, translated: "Translated", sql: str) -> tuple[Column, ...]:
        """Return a query's columns; DuckDB, which would plan it for that, is asked for arrays and structs only."""
        types = tuple(map(str, translated.types))
        if not _SCALARS.issuperset(types):
            return self._described(translated, sql)
        _check_unique(translated.columns)
        return tuple(map(Column, translated.columns, types))

    def _described(self, translated: "Translated", sql: str) -> tuple[Column, ...]:
        described = self._session.describe(translated, sql)
        _check_unique([name for name, _ in described])
        return tuple(Column(name, bigquery_type(type_)) for name, type_ in described)

    def _job(self, rows: int, started: float, scan: Scan, written: Mapping[str, int] = MappingProxyType({})) -> Job:
        seconds = time.perf_counter() - started
        return Job(self._nonce(), rows, scan.bytes, 0, seconds, scanned=scan.row_groups, written=written)

    def _wrote(self, written: Written, started: float) -> Job:
        return self._job(written.rows, started, written.scan, written.by_partition)


def _check_unique(names: Sequence[str]) -> None:
    lowered = [name.lower() for name in names]
    for name in names:
        if lowered.count(name.lower()) > 1:
            raise InvalidQuery(f"column {name!r} is given twice; give one of them another name")
