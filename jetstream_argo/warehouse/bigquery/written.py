"""Counts the rows that a write has put into each partition, which BigQuery does not say of a job."""

import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias

from google.cloud.bigquery import QueryJob, Table

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import AccessDenied, CostExceeded, EngineError
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literal
from jetstream_argo.sql.text import table as quoted
from jetstream_argo.warehouse.bigquery.metadata import Rows
from jetstream_argo.warehouse.bigquery.partitions import day_of
from jetstream_argo.warehouse.bigquery.schema import columns_of
from jetstream_argo.warehouse.bigquery.storage import Storage
from jetstream_argo.warehouse.bigquery.tables import Tables

logger = logging.getLogger(__name__)

Written: TypeAlias = dict[str, int]

NO_PARTITION = "NULL"
_NULL_ID = "__NULL__"
_DAY_DIGITS = 8
_LITERALS = {"DATE", "INT64"}
_SLACK = timedelta(minutes=1)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)

# What a query gives as `batch`, when that is a constant.
_BATCH = re.compile(r"('(?:[^'\\]|\\.)*'|-?\d+) AS `?batch`?(?!\w)", re.IGNORECASE)


def of_rows(rows: Sequence[Mapping[str, Value]], storage: Storage) -> Written:
    """Return how many of the rows go to which partition; "" is that of a table without any."""
    column = storage.column
    if column is None:
        return {"": len(rows)} if rows else {}
    return dict(sorted(Counter(_partition_of(row.get(column)) for row in rows).items()))


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts what queries have written, with `run`, which runs a query in a location and returns its rows."""

    tables: Tables
    run: Callable[[Sql, str], Rows]

    def of_query(
        self, sql: Sql, destination: str, storage: Storage, job: QueryJob, rows: int, *, alone: bool
    ) -> Written:
        """Return how many rows a query has written to which partition of a table; of all, where that is not known.

        `alone` says that the table has no other rows.

        Metadata say which partitions have changed since: that is enough where it is a single one, or where all their
        rows are the query's. Else those rows are counted there that have the `batch` which the query gave all its rows.
        """
        total = {"": rows} if rows else {}
        if not rows or storage.column is None:
            return total
        try:
            found = self._by_partition(sql, self.tables.get(destination), storage.column, job, rows, alone=alone)
        except EngineError as error:  # the rows are written: counting them can be given up
            logger.warning("not counted by partition", extra={"table": destination, "reason": str(error)})
            return total
        return found if sum(found.values()) == rows else total

    def of_table(self, name: str) -> Written:
        """Return how many rows each partition of a table has; nothing where it has none, or where that is refused."""
        table = self.tables.get(name)
        if table.time_partitioning is None and table.range_partitioning is None:
            return {}
        try:
            return self._changed(table, since=_EVER)
        except (AccessDenied, CostExceeded) as error:
            logger.warning("not counted by partition", extra={"table": name, "reason": str(error)})
            return {}

    def _by_partition(self, sql: Sql, table: Table, name: str, job: QueryJob, rows: int, *, alone: bool) -> Written:
        columns = {column.name: column for column in columns_of(table.schema)}
        column = columns[name]
        if column.type not in _LITERALS or "batch" not in columns:
            return {}
        changed = self._changed(table, since=job.created - _SLACK)
        if len(changed) == 1:
            return dict.fromkeys(changed, rows)
        return changed if alone else self._counted(sql, table, column, changed)

    def _counted(self, sql: Sql, table: Table, column: Column, changed: Written) -> Written:
        batches = set(_BATCH.findall(sql))
        if len(batches) != 1:
            return {}
        prefix, quote = ("DATE ", "'") if column.type == "DATE" else ("", "")
        values = [f"{prefix}{quote}{key}{quote}" for key in changed if key != NO_PARTITION]
        place = Sql(f"rows_written.{identifier(column.name)}")
        within = [Sql(f"{place} IN ({', '.join(values)})")] if values else []
        within += [Sql(f"{place} IS NULL")] if NO_PARTITION in changed else []
        query = fill(
            "rows_of_batch",
            column=identifier(column.name),
            table=quoted(f"{table.project}.{table.dataset_id}.{table.table_id}"),
            batch=Sql(batches.pop()),
            within=lines(within, separator=" OR"),
        )
        return {str(value or NO_PARTITION): int(str(count)) for value, count in self._rows(query, table)}

    def _changed(self, table: Table, *, since: datetime) -> Written:
        query = fill(
            "changed_partitions",
            partitions=quoted(f"{table.project}.{table.dataset_id}.INFORMATION_SCHEMA.PARTITIONS"),
            table=literal(table.table_id),
            since=Sql(f"TIMESTAMP '{since.isoformat(' ')}'"),
        )
        return {_named(str(key)): int(str(count)) for key, count in self._rows(query, table)}

    def _rows(self, query: Sql, table: Table) -> list[tuple[Value, ...]]:
        return [tuple(row.values()) for row in self.run(query, table.location)]


def _named(key: str) -> str:
    """Return what a partition is called in a record: days with hyphens, as they are written elsewhere."""
    if key == _NULL_ID:
        return NO_PARTITION
    day = day_of(key) if len(key) == _DAY_DIGITS else None
    return key if day is None else day.isoformat()


def _partition_of(value: Value) -> str:
    match value:
        case None:
            return NO_PARTITION
        case datetime():
            moment = value if value.tzinfo is None else value.astimezone(UTC)
            return moment.date().isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)
