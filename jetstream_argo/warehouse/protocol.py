"""The protocol of a warehouse: what the pipeline asks of it.

Two engines answer: `embedded` (DuckDB and Parquet files in a folder) and `bigquery`. SQL is BigQuery's dialect for
both. A table is named `dataset.table`, in the engine's own project, or `project.dataset.table`.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import TYPE_CHECKING, Protocol

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged
from jetstream_argo.sql.text import Sql

if TYPE_CHECKING:
    pass
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


class Provenance(Protocol):
    """What a warehouse tells about the rows that a statement reads."""

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return the tables that a query reads, sorted: those behind views, all that a wildcard matches, no view."""
        ...

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return, by the names asked for, the versions of the dates `first` to `last`, both included.

        `date_column` is the column that the reader takes dates from: it decides only where a table's storage is not
        partitioned. Nothing of the tables' rows is billed: the answer comes from metadata, in one query per dataset.
        """
        ...


class Leases(Protocol):
    """How writers of one experiment keep out of one another's way, wherever they run."""

    def lease(
        self, name: str, *, exclusive: bool, holder: str, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold the lease `name` (`dataset.name`): many may hold it shared, or one alone.

        A holder that died holds nothing: at once on the embedded engine, and after some minutes on BigQuery.

        Raises:
            Conflict: it is held in a way that excludes this one after `wait_seconds`; the message names the holder.
        """
        ...

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove what storage keeps of these tables (deleted ones, too) beside the rows that they have now.

        That is earlier versions, and what writers left that died. The caller holds the exclusive lease.
        """
        ...

    def left_over(self, table: str) -> int:
        """Return how many files writers that died have left of a table, be it there or not; `purge` removes them.

        Earlier versions that readers may still be at are none. Where the warehouse itself keeps its storage, it is 0.
        """
        ...

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return what is damaged of a table's storage, without running a query; a table that is missing is not.

        It tells at least what a query would come upon. Where the warehouse itself answers for storage, nothing is.
        """
        ...

    def salvage(self, table: str) -> None:
        """Make a damaged table what is left of it: the files that are whole; one of which nothing is left is deleted.

        Its other rows are lost. The caller holds the exclusive lease, and knows afterwards what is missing.
        """
        ...


class Engine(Provenance, Leases, Protocol):
    """A warehouse. Every method raises an `EngineError`; reads and writes of one table are atomic."""

    @property
    def bills_partitions(self) -> bool:
        """Whether readers pay for the partitions that they read: what they filter by is then worth a table."""
        ...

    @property
    def memory_mib(self) -> int | None:
        """How much memory a query has, where it is known; what needs more is better asked for in pieces."""
        ...

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query and return its rows.

        Where they come over a network, it is `page_rows` at a time; fewer where rows are large, as what is on its way
        takes thirty times the room of what is there.
        """
        ...

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows, all or none, to a table, which is made if it is missing."""
        ...

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
        ...

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Make or replace a view."""
        ...

    def info(self, table: str) -> TableInfo | None:
        """Return what is known of a table or view, or None if there is none of that name."""
        ...

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        """Return, by the names asked for, what is known of those of many tables that there are."""
        ...

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return how many rows each partition of a table has, named as in `Job.written`; empty where it has none.

        No row is read: the answer comes from metadata.
        """
        ...

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        ...

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables and views of a dataset, by name. A dataset may be shared, and hold very many."""
        ...

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of the engine's own project, by name: those that the account may know of."""
        ...

    def delete(self, table: str) -> None:
        """Delete a table or view, if it is there."""
        ...

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read."""
        ...

    def take_over(self) -> None:
        """End what earlier starts of the same work have left running, where queries outlive the process that asked."""
        ...
