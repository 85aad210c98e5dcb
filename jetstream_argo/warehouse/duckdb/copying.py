"""Writes the rows of a query as Parquet files, and says what is known of each."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jetstream_argo.dialect.types import Column
from jetstream_argo.warehouse.duckdb.integrity import crc32, sync_all
from jetstream_argo.warehouse.duckdb.pointer import DataFile
from jetstream_argo.warehouse.duckdb.ranges import Range
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal
from jetstream_argo.warehouse.types import Layout

# One row group holds a partition of up to this many rows, so that what was read of a table can be counted in them.
_ROW_GROUP = 262_144
_NO_PARTITION = "__HIVE_DEFAULT_PARTITION__"
BATCH = "batch"  # the column by which readers of a table that is only appended to choose its rows
_RANGED = ("INT64", "INTEGER", "INT", "DATE", "STRING")


@dataclass(frozen=True, slots=True)
class Copy:
    """A file that was written, where it lies, and what is known of it."""

    path: Path
    file: DataFile


def ranged(columns: Iterable[Column], layout: Layout) -> tuple[Column, ...]:
    """Return the columns of which a file's least and greatest value are kept: those that rows are looked for by."""
    names = {name.lower() for name in (BATCH, layout.partition_by, *layout.cluster_by) if name is not None}
    return tuple(c for c in columns if c.name.lower() in names and c.type.upper() in _RANGED)


def copied(
    session: Session, query: str, target: Path, columns: Sequence[Column], keyed: Sequence[Column], *, sql: str
) -> Copy:
    """Write the rows of DuckDB's `query`, which was made from `sql`, to the file `target`."""
    (row,) = _copy(session, query, target, ", USE_TMP_FILE false", sql)
    return _file(row, columns, keyed, None)


def partitioned(
    session: Session,
    query: str,
    folder: Path,
    columns: Sequence[Column],
    keyed: Sequence[Column],
    by: str,
    *,
    sql: str,
) -> tuple[Copy, ...]:
    """Write the rows to files in a folder, some for every value of the column `by`; none without rows."""
    option = f", PARTITION_BY ({quoted(by)}), WRITE_PARTITION_COLUMNS true"
    rows = _copy(session, query, folder, option, sql)
    values = [row[5].get(by) for row in rows]
    return tuple(
        _file(row, columns, keyed, None if value == _NO_PARTITION else value)
        for row, value in zip(rows, values, strict=True)
    )


def _copy(session: Session, query: str, target: Path, option: str, sql: str) -> list[tuple[Any, ...]]:
    statement = (
        f"COPY ({query}) TO {text_literal(str(target))} "
        f"(FORMAT parquet, ROW_GROUP_SIZE {_ROW_GROUP}, RETURN_STATS{option})"
    )
    rows: list[tuple[Any, ...]] = session.run(statement, sql).fetchall()
    sync_all([Path(row[0]) for row in rows])
    return rows


def _file(row: tuple[Any, ...], columns: Sequence[Column], keyed: Sequence[Column], partition: str | None) -> Copy:
    path, count, size, statistics = Path(row[0]), int(row[1]), int(row[2]), row[4]
    ranges = {c.name: found for c in keyed if (found := _range(c, count, statistics.get(quoted(c.name), {})))}
    names = tuple(column.name for column in columns)
    return Copy(path, DataFile(path.name, count, size, names, partition, ranges, crc32(path)))


def _range(column: Column, rows: int, statistics: Mapping[str, str]) -> Range | None:
    """Return a column's range, or None where DuckDB does not say it, as of texts that are long."""
    if "null_count" not in statistics:
        return None
    nulls = int(statistics["null_count"])
    if nulls == rows:
        return Range(None, None, nulls=True)
    if statistics.get("min_is_exact") != "true" or statistics.get("max_is_exact") != "true":
        return None
    value = int if column.type.upper().startswith("INT") else str
    return Range(value(statistics["min"]), value(statistics["max"]), nulls > 0)
