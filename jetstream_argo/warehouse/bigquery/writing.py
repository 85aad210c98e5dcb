"""Writes rows to a table: by a query or from here, all or none, and so that they stay."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from google.cloud.bigquery import LoadJobConfig, Table

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, InvalidQuery
from jetstream_argo.sql.text import Sql, identifier, lines
from jetstream_argo.warehouse.bigquery.calls import translated
from jetstream_argo.warehouse.bigquery.encryption import encryption_of
from jetstream_argo.warehouse.bigquery.expirations import expires, lasting, may_expire
from jetstream_argo.warehouse.bigquery.jobs import AnyJob
from jetstream_argo.warehouse.bigquery.labels import sanitised
from jetstream_argo.warehouse.bigquery.queries import QueryRunner, cost
from jetstream_argo.warehouse.bigquery.schema import columns_of, fields_of
from jetstream_argo.warehouse.bigquery.storage import Storage, storage_for, storage_of, writes
from jetstream_argo.warehouse.bigquery.tables import is_described, lacks_filter, lasts
from jetstream_argo.warehouse.bigquery.values import json_lines
from jetstream_argo.warehouse.bigquery.written import Tally, of_rows
from jetstream_argo.warehouse.types import Job, Layout, Write

_TEMPORARY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TableWriter:
    """Writes tables by jobs."""

    queries: QueryRunner
    tally: Tally
    now: Callable[[], datetime]

    def from_query(self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout) -> Job:
        """Run a query and write its rows, all or none, to a table, which is made if it is missing."""
        if layout.temporary:
            return self._temporary(sql, destination, labels)
        existing = self._writable(destination, write)
        if existing is None:
            # The type of the column says how to partition by it.
            types = {} if layout.partition_by is None else _types(self._columns(sql))
            storage = self._new_storage(destination, layout, types)
        else:
            storage = storage_of(existing)
            if write is Write.APPEND:
                sql = _with_missing(sql, self._columns(sql), columns_of(existing.schema))
        config = self.queries.config(labels)
        config.destination = self.queries.tables.reference(destination)
        config.destination_encryption_configuration = encryption_of(self.queries.settings, existing, write)
        writes(config, write, storage, existing=existing is not None)
        job = self.queries.run(sql, config, "write", write, destination, sql)
        with translated(job_id=job.job_id):
            rows = int(self.queries.rows(job).total_rows or 0)
        self._describe(destination, layout, existing, write, job)
        alone = existing is None or write is Write.TRUNCATE
        written = self.tally.of_query(sql, destination, storage, job, rows, alone=alone)
        return replace(cost(job, rows), written=written)

    def _temporary(self, sql: Sql, destination: str, labels: Mapping[str, str]) -> Job:
        """Write a query's rows to a new table, whose expiry is set before it has rows."""
        self._make_temporary(destination, self._columns(sql), labels)
        config = self.queries.config(labels)
        config.destination = self.queries.tables.reference(destination)
        writes(config, Write.APPEND, Storage(), existing=True)
        job = self.queries.run(sql, config, "write", Write.APPEND, destination, sql)
        with translated(job_id=job.job_id):
            rows = int(self.queries.rows(job).total_rows or 0)
        return replace(cost(job, rows), written={"": rows})

    def _make_temporary(self, destination: str, columns: Sequence[Column], labels: Mapping[str, str]) -> None:
        tables = self.queries.tables
        tables.delete(destination)
        table = Table(tables.reference(destination), schema=fields_of(columns))
        table.labels = sanitised(labels)
        table.expires = self.now() + _TEMPORARY
        tables.create(table)

    def from_rows(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout,
    ) -> Job:
        """Write rows, all or none, to a table, which is made if it is missing; a key that a row lacks is NULL."""
        if layout.temporary:
            self._make_temporary(destination, columns, labels)
            write = Write.APPEND
        existing = self._writable(destination, write)
        storage = storage_of(existing) if existing else self._new_storage(destination, layout, _types(columns))
        config = self._load_config(labels, write, storage, existing=existing)
        config.schema = fields_of(columns)
        if existing is not None and write is Write.APPEND:
            given = {column.name.lower() for column in columns}
            config.schema += [field for field in existing.schema if field.name.lower() not in given]
        text = json_lines(rows, [column.name for column in columns])
        reference = self.queries.tables.reference(destination)

        def begin(job_id: str) -> AnyJob:
            return self.queries.client.load_table_from_file(
                io.BytesIO(text),
                reference,
                size=len(text),
                num_retries=0,  # we do that, with our deadline
                job_id=job_id,
                location=self.queries.settings.location,
                job_config=config,
                timeout=self.queries.settings.request_seconds,
            )

        name = self.queries.names.next("load", write, destination, text.decode())
        job = self.queries.jobs.run(name, begin)
        if not layout.temporary:
            self._describe(destination, layout, existing, write, job)
        return replace(cost(job, len(rows)), written=of_rows(rows, storage))

    def _columns(self, sql: Sql) -> tuple[Column, ...]:
        return columns_of(self.queries.dry(sql).schema or ())

    def _load_config(
        self, labels: Mapping[str, str], write: Write, storage: Storage, *, existing: Table | None
    ) -> LoadJobConfig:
        config = LoadJobConfig(labels=sanitised(labels), source_format="NEWLINE_DELIMITED_JSON")
        config.job_timeout_ms = int(self.queries.settings.timeout_seconds * 1000)
        config.destination_encryption_configuration = encryption_of(self.queries.settings, existing, write)
        writes(config, write, storage, existing=existing is not None)
        return config

    def _writable(self, destination: str, write: Write) -> Table | None:
        existing = self.queries.tables.find(destination)
        if existing is not None and write is Write.EMPTY:
            # WRITE_EMPTY alone lets a table pass that has no rows.
            raise Conflict(f"table {destination!r} exists already; delete it first, or write over it on purpose")
        if existing is not None and existing.view_query is not None:
            raise InvalidQuery(f"{destination!r} is a view; rows cannot be written to it")
        return existing

    def _new_storage(self, destination: str, layout: Layout, types: dict[str, str]) -> Storage:
        storage = storage_for(layout, types)
        if storage.days is None:
            return storage
        return lasting(storage, self.queries.tables.settings_of_dataset(destination))

    def _describe(self, destination: str, layout: Layout, before: Table | None, write: Write, job: AnyJob) -> None:
        # An append leaves description, labels and expiration as they were. BigQuery allows a table 5 such changes in
        # 10 seconds: https://cloud.google.com/bigquery/quotas#standard_tables
        kept = before if write is Write.APPEND else None
        days = self.queries.settings.expire_days if layout.kept_days is None else layout.kept_days
        end = None if days is None else job.ended + timedelta(days=days)
        if before is None:
            inherits = may_expire(self.queries.tables.settings_of_dataset(destination))
        else:
            inherits = expires(before) if end is None else False
        if inherits or lacks_filter(before, layout) or not is_described(kept, layout) or not lasts(kept, end):
            self.queries.tables.describe(destination, layout, expires=end)


def _types(columns: Sequence[Column]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


def _with_missing(sql: Sql, given: Sequence[Column], wanted: Sequence[Column]) -> Sql:
    """Return the query with NULL for what the table has and the query does not: an append must give every column."""
    names = {column.name.lower() for column in given}
    missing = [column for column in wanted if column.name.lower() not in names]
    if not missing:
        return sql
    nulls = lines([Sql(f"CAST(NULL AS {column.type}) AS {identifier(column.name)}") for column in missing])
    query = sql.rstrip().rstrip(";")
    return Sql(f"SELECT\n  given.*,\n  {nulls}\nFROM (\n{query}\n) AS given")
