"""The protocol of a warehouse: what the pipeline asks of it.

Two engines answer: `embedded` (DuckDB and Parquet files in a folder) and `bigquery`. SQL is BigQuery's dialect for
both. A table is named `dataset.table`, in the engine's own project, or `project.dataset.table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged
from jetstream_argo.sql.text import Sql

if TYPE_CHECKING:
    import pyarrow

PAGE_ROWS = 5_000  # rows of 25 columns take 30 MB on their way
_ROWS_AT_ONCE = 1_000


class Write(StrEnum):
    """What becomes of the rows that a table holds already."""

    TRUNCATE = "truncate"  # replaced, at one instant
    APPEND = "append"  # kept; a column that the table lacks is added to it, one that the rows lack is NULL
    EMPTY = "empty"  # the table must not exist: `Conflict` otherwise


@dataclass(frozen=True, slots=True)
class Layout:
    """How a new table is stored, where the engine can: partitioned by a column, clustered by others.

    The column is a DATE, an INT64, or a TIMESTAMP, of which the day counts. A `temporary` table is read by the process
    that writes it, which deletes it; whatever happens, it is gone within a day. Others may not see it.
    """

    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """What one call to the warehouse cost.

    `bytes` counts what was read; `slot_ms` is 0 where the engine has no slots. `scanned` holds, per table read, how
    many storage partitions (files or row groups on the embedded engine) were read; empty where the engine cannot say.

    `written` holds how many rows the call wrote to each partition: by its date (`2026-05-04`) or number, by "NULL" for
    rows without; by "" where the table is not partitioned, or the engine cannot say. Empty where nothing was written.
    """

    id: str
    rows: int
    bytes: int
    slot_ms: int
    seconds: float
    scanned: Mapping[str, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, in the order in which the query gave them, as Arrow.

    `table` has the `columns`, each in the Arrow type that `warehouse.arrow` has for BigQuery's.
    """

    columns: tuple[Column, ...]
    table: "pyarrow.Table"
    job: Job

    @property
    def rows(self) -> tuple[tuple[Value, ...], ...]:
        """All rows as Python's values, which take many times the room."""
        return tuple(self._each())

    def dicts(self) -> Iterator[dict[str, Value]]:
        """Yield every row as a mapping from column name to value."""
        names = [column.name for column in self.columns]
        for row in self._each():
            yield dict(zip(names, row, strict=True))

    def _each(self) -> Iterator[tuple[Value, ...]]:
        for batch in self.table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            yield from zip(*map(_values, batch.columns), strict=True)


def _values(column: "pyarrow.Array") -> list[Value]:
    """Return Python's values; of moments without Arrow's help, which would load pandas for it."""
    if getattr(column.type, "tz", None) is None:
        return list(column.to_pylist())
    import pyarrow

    moments = column.view(pyarrow.timestamp(column.type.unit)).to_pylist()
    return [None if moment is None else moment.replace(tzinfo=UTC) for moment in moments]


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What the engine knows about a table or view. `etag` changes with every change.

    `created` is when the table was made: one that was deleted and made anew was made later. `rows` and `bytes` are what
    is in storage: rows that still are in a streaming buffer are not there yet. `partitions` holds the rows of each
    partition, named as in `Job.written`; None where that takes a question of its own (`rows_by_partition`).
    """

    name: str
    columns: tuple[Column, ...]
    rows: int
    bytes: int
    description: str
    labels: Mapping[str, str]
    etag: str
    view_sql: str | None = None
    created: datetime | None = None
    partitions: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list of a dataset says of a table or view."""

    name: str
    is_view: bool
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a query would give and read, without running it."""

    columns: tuple[Column, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class DateVersion:
    """What a base table held of one date when it was looked at.

    `modified` is a text that changes when rows of that date change, such as the time of the last change. Two versions
    are equal when all three are.
    """

    rows: int
    bytes: int
    modified: str


class Knowledge(StrEnum):
    """What can be known of the versions of a table's dates."""

    BY_DATE = "by date"
    NOT_BY_DATE = "not by date"  # a look-up table: it is not partitioned by the date asked for, and has no versions
    UNKNOWN = "unknown"  # refused, or cut short; `TableVersions.reason` says why, and what would mend it


@dataclass(frozen=True, slots=True)
class TableVersions:
    """The versions of a base table's dates within what was asked for; a date that is absent has no rows.

    `newest` is the last date of the whole table that has rows, whatever was asked for; None where it has none at all.
    """

    table: str
    knowledge: Knowledge
    dates: Mapping[date, DateVersion] = field(default_factory=dict)
    newest: date | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Purged:
    """What became of rows that no query finds any more.

    `files` counts files that were removed. `recoverable_until` is until when the warehouse can still bring the rows
    back (BigQuery's time travel and fail-safe); None where they are gone.
    """

    files: int
    recoverable_until: datetime | None = None


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

    def delete(self, table: str) -> None:
        """Delete a table or view, if it is there."""
        ...

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read."""
        ...

    def take_over(self) -> None:
        """End what earlier starts of the same work have left running, where queries outlive the process that asked."""
        ...
