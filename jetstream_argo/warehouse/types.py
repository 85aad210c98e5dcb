"""The types that the pipeline gives to a warehouse and gets from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from jetstream_argo.dialect.types import Column, Value

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
    that writes it, which deletes it; whatever happens, it is gone within a day. Others may not see it. Of one that is
    `read_once` an engine may run the query when it is read, instead of writing its rows: then it is not known how many
    there are, errors of the query come with the reading, and a second reading runs it again. A table that is kept for
    `kept_days` is deleted so many days after it was last written to, by the warehouse where that can.

    With `requires_filter` BigQuery refuses a query that does not filter the column which it is partitioned by.
    """

    partition_by: str | None = None
    cluster_by: tuple[str, ...] = ()
    description: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    temporary: bool = False
    read_once: bool = False
    requires_filter: bool = False
    kept_days: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What one call to the warehouse cost.

    `bytes` counts what was read; `slot_ms` is 0 where the engine has no slots. `scanned` holds, per table read, how
    many storage partitions (files or row groups on the embedded engine) were read; empty where the engine cannot say.

    `written` holds how many rows the call wrote to each partition: by its date (`2026-05-04`) or number, by "NULL" for
    rows without; by "" where the table is not partitioned, or the engine cannot say. Empty where nothing was written.

    `restrictions` say what kept the account from some of the rows or values, without an error: what it got is a part.
    """

    id: str
    rows: int
    bytes: int
    slot_ms: int
    seconds: float
    scanned: Mapping[str, int] = field(default_factory=dict)
    written: Mapping[str, int] = field(default_factory=dict)
    restrictions: tuple[str, ...] = ()


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
