"""What the pipeline asks of a warehouse.

Two engines answer: `embedded` (DuckDB and Parquet files in a folder) and `bigquery`. SQL is BigQuery's dialect for
both. A table is named `dataset.table`, in the engine's own project, or `project.dataset.table`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol, TypeAlias

from jetstream_argo.sql.text import Sql

if TYPE_CHECKING:
    import pyarrow

Scalar: TypeAlias = str | int | float | bool | Decimal | date | datetime | None
Value: TypeAlias = "Scalar | list[Value] | dict[str, Value]"

PAGE_ROWS = 5_000  # rows of 25 columns take 30 MB on their way
_ROWS_AT_ONCE = 1_000


class Write(StrEnum):
    """What becomes of the rows that a table holds already."""

    TRUNCATE = "truncate"  # replaced, at one instant
    APPEND = "append"  # kept; a column that the table lacks is added to it, one that the rows lack is NULL
    EMPTY = "empty"  # the table must not exist: `Conflict` otherwise


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. `type` is BigQuery's: STRING, INT64, FLOAT64, BOOL, DATE, TIMESTAMP, ARRAY<STRING> …"""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Layout:
    """How a new table is stored, where the engine can: partitioned by a column, clustered by others.

    The column is a DATE, an INT64, or a TIMESTAMP, of which the day counts.
    """

    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Job:
    """What one call to the warehouse cost.

    `bytes` counts what was read; `slot_ms` is 0 where the engine has no slots. `scanned` holds, per table read, how
    many storage partitions (files or row groups on the embedded engine) were read; empty where the engine cannot say.
    """

    id: str
    rows: int
    bytes: int
    slot_ms: int
    seconds: float
    scanned: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a query, in the order in which the query gave them, as Arrow.

    `table` has the `columns`, each in the Arrow type that `engines.arrow` has for BigQuery's.
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
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


@dataclass(frozen=True, slots=True)
class TableInfo:
    """What the engine knows about a table or view. `etag` changes with every change."""

    name: str
    columns: tuple[Column, ...]
    rows: int
    bytes: int
    description: str
    labels: Mapping[str, str]
    etag: str
    view_sql: str | None = None


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


class Engine(Protocol):
    """A warehouse. Every method raises an `EngineError`; reads and writes of one table are atomic."""

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

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        ...

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables and views of a dataset, by name. A dataset may be shared, and hold very many."""
        ...

    def delete(self, table: str) -> None:
        """Delete a table or view; one that is missing already is fine."""
        ...

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read."""
        ...

    def take_over(self) -> None:
        """End what earlier starts of the same work have left running, where queries outlive the process that asked."""
        ...
