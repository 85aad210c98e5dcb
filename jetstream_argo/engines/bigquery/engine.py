"""The production warehouse, through google-cloud-bigquery.

Everything is asked for in one project. Our queries name their tables with a dataset; those of configurations may
leave it out where the settings name a default one.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import cast

from google.api_core.retry import Retry
from google.cloud.bigquery import Client, LoadJob, LoadJobConfig, QueryJob, QueryJobConfig, Table
from google.cloud.bigquery.table import RowIterator

from jetstream_argo.engines.bigquery.calls import retry, translated
from jetstream_argo.engines.bigquery.client import client_for
from jetstream_argo.engines.bigquery.jobs import AnyJob, JobNames, Jobs
from jetstream_argo.engines.bigquery.labels import sanitised
from jetstream_argo.engines.bigquery.metadata import Metadata, Rows
from jetstream_argo.engines.bigquery.references import References
from jetstream_argo.engines.bigquery.schema import columns_of, fields_of
from jetstream_argo.engines.bigquery.settings import BigQuerySettings
from jetstream_argo.engines.bigquery.storage import Storage, storage_for, storage_of, writes
from jetstream_argo.engines.bigquery.tables import Tables, is_described, lasts
from jetstream_argo.engines.bigquery.values import json_lines
from jetstream_argo.engines.bigquery.versions import KeptVersions
from jetstream_argo.engines.bigquery.written import Tally, of_rows
from jetstream_argo.engines.protocol import (
    PAGE_ROWS,
    Column,
    DryRun,
    Job,
    Layout,
    Listed,
    Result,
    TableInfo,
    TableVersions,
    Value,
    Write,
)
from jetstream_argo.errors import Conflict, InvalidQuery
from jetstream_argo.sql.text import Sql, identifier, lines


class BigQueryEngine:
    """BigQuery as an `Engine`. Its job ids are made of `job_id_prefix`, `attempt` and what is asked for."""

    def __init__(
        self,
        settings: BigQuerySettings,
        *,
        attempt: str,
        job_id_prefix: str = "",
        client: Client | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = client_for(settings) if client is None else client
        self._names = JobNames(job_id_prefix, attempt)
        self._jobs = Jobs(self._client, settings)
        self._tables = Tables(self._client, settings)
        self._retry = retry(settings)
        self._tally = Tally(self._tables, self._metadata)
        self._references = References(self._tables, lambda sql: self._dry(sql).referenced_tables)
        self._versions = KeptVersions(Metadata(self._tables, self._metadata, self._references.cut), clock)

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query and return its rows; BigQuery ends a page at 20 MB of JSON too, which take 400 MB here."""
        job = self._query(sql, self._query_config(labels), "query", sql)
        return self._result(job, sql, page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows, all or none, to a table, which is made if it is missing."""
        existing = self._writable(destination, write)
        if existing is None:
            # The type of the column says how to partition by it.
            types = {} if layout.partition_by is None else _types(self.dry_run(sql).columns)
            storage = storage_for(layout, types)
        else:
            storage = storage_of(existing)
            if write is Write.APPEND:
                sql = _with_missing(sql, self.dry_run(sql).columns, columns_of(existing.schema))
        config = self._query_config(labels)
        config.destination = self._tables.reference(destination)
        writes(config, write, storage, existing=existing is not None)
        job = self._query(sql, config, "write", write, destination, sql)
        with translated(job_id=job.job_id):
            rows = int(self._rows(job).total_rows or 0)
        self._versions.forget(destination)
        self._describe(destination, layout, existing, write, job)
        alone = existing is None or write is Write.TRUNCATE
        written = self._tally.of_query(sql, destination, storage, job, rows, alone=alone)
        return replace(_cost(job, rows), written=written)

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
        existing = self._writable(destination, write)
        storage = storage_for(layout, _types(columns)) if existing is None else storage_of(existing)
        config = self._load_config(labels, write, storage, existing=existing)
        config.schema = fields_of(columns)
        if existing is not None and write is Write.APPEND:
            given = {column.name.lower() for column in columns}
            config.schema += [field for field in existing.schema if field.name.lower() not in given]
        text = json_lines(rows, [column.name for column in columns])
        reference = self._tables.reference(destination)

        def begin(job_id: str) -> AnyJob:
            return self._client.load_table_from_file(
                io.BytesIO(text),
                reference,
                size=len(text),
                num_retries=0,  # we do that, with our deadline
                job_id=job_id,
                location=self._settings.location,
                job_config=config,
                timeout=self._settings.request_seconds,
            )

        name = self._names.next("load", write, destination, text.decode())
        job = self._jobs.run(name, begin)
        self._versions.forget(destination)
        self._describe(destination, layout, existing, write, job)
        return replace(_cost(job, len(rows)), written=of_rows(rows, storage))

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Make or replace a view. Tables that its SQL names without a project are those of the view's own project."""
        self._tables.create_view(name, sql, description=description, labels=labels)

    def info(self, table: str) -> TableInfo | None:
        """Return what is known of a table or view, or None if there is none of that name."""
        found = self._tables.find(table)
        return None if found is None else self._tables.described(found)

    def infos(self, tables: Sequence[str]) -> Mapping[str, TableInfo]:
        """Return, by the names asked for, what is known of those of many tables that there are; some at a time."""
        found = zip(tables, self._tables.find_all(tables), strict=True)
        return {name: self._tables.described(table) for name, table in found if table is not None}

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        self._tables.set_labels(table, labels)

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables and views of a dataset, by name: one request for each thousand that it holds."""
        return self._tables.list(dataset, prefix=prefix)

    def delete(self, table: str) -> None:
        """Delete a table or view; one that is missing already is fine."""
        self._versions.forget(table)
        self._tables.delete(table)

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read."""
        job = self._dry(sql)
        return DryRun(columns_of(job.schema or ()), int(job.total_bytes_processed or 0))

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return the tables that a query reads, sorted: those behind views, all that a wildcard matches, no view."""
        return self._references.base_tables(sql)

    def versions(
        self, tables: Sequence[str], *, date_column: str, first: date, last: date
    ) -> Mapping[str, TableVersions]:
        """Return, by the names asked for, the versions of the dates `first` to `last`, both included.

        They are those of partitions by day or hour, whichever column they are by, and of tables with a day in their
        name. Answers are kept for ten minutes; writes of this engine's are seen at once.
        """
        return self._versions.of(tables, first, last)

    def take_over(self) -> None:
        """Cancel what earlier starts with the same `job_id_prefix` have left running.

        Whoever starts a node last holds it: one that was given up, on a machine that nobody can reach, loses its query
        to its successor, and ends as one whose job was cancelled.
        """
        self._jobs.cancel_all(self._names.is_of_another_start)

    def cancel(self) -> None:
        """Cancel the job that is running, if one is; for another thread."""
        self._jobs.cancel()

    def _dry(self, sql: Sql) -> QueryJob:
        config = QueryJobConfig(dry_run=True, use_query_cache=False)
        self._name_default(config)
        with translated(sql=sql):
            return self._client.query(
                sql,
                job_config=config,
                location=self._settings.location,
                retry=self._retry,
                timeout=self._settings.request_seconds,
                job_retry=None,
            )

    def _metadata(self, sql: Sql, location: str) -> Rows:
        job = self._query(sql, self._query_config({"purpose": "versions"}), "metadata", sql, location=location)
        return self._result(job, sql, PAGE_ROWS).dicts()

    def _result(self, job: QueryJob, sql: Sql, page_rows: int) -> Result:
        from jetstream_argo.engines.arrow import table_of  # loads pyarrow

        with translated(job_id=job.job_id, sql=sql):
            found = self._rows(job, page_rows=page_rows)
            columns = columns_of(found.schema)
            table = table_of(columns, _pages(found))
        return Result(columns, table, _cost(job, table.num_rows))

    def _query(self, sql: Sql, config: QueryJobConfig, *request: str, location: str = "") -> QueryJob:
        location = location or self._settings.location

        def begin(job_id: str) -> AnyJob:
            return self._client.query(
                sql,
                job_config=config,
                job_id=job_id,
                location=location,
                retry=cast(Retry, None),  # the library takes None for "once"; Jobs tries again
                timeout=self._settings.request_seconds,
                job_retry=None,
            )

        return cast(QueryJob, self._jobs.run(self._names.next(*request), begin, sql=sql, location=location))

    def _rows(self, job: QueryJob, *, page_rows: int | None = None) -> RowIterator:
        # Without a page size, the first request asks for no rows, and a second one for the first of them.
        return job.result(
            page_size=page_rows,
            max_results=0 if page_rows is None else None,
            retry=self._retry,
            timeout=self._settings.request_seconds,
            job_retry=None,
        )

    def _query_config(self, labels: Mapping[str, str]) -> QueryJobConfig:
        settings = self._settings
        config = QueryJobConfig(labels=sanitised(labels), priority=settings.priority.value)
        config.job_timeout_ms = int(settings.timeout_seconds * 1000)
        self._name_default(config)
        if settings.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = settings.maximum_bytes_billed
        return config

    def _name_default(self, config: QueryJobConfig) -> None:
        if self._settings.default_dataset:
            config.default_dataset = self._tables.dataset(self._settings.default_dataset)

    def _load_config(
        self, labels: Mapping[str, str], write: Write, storage: Storage, *, existing: Table | None
    ) -> LoadJobConfig:
        config = LoadJobConfig(labels=sanitised(labels), source_format="NEWLINE_DELIMITED_JSON")
        config.job_timeout_ms = int(self._settings.timeout_seconds * 1000)
        writes(config, write, storage, existing=existing is not None)
        return config

    def _writable(self, destination: str, write: Write) -> Table | None:
        existing = self._tables.find(destination)
        if existing is not None and write is Write.EMPTY:
            # WRITE_EMPTY alone lets a table pass that has no rows.
            raise Conflict(f"table {destination!r} exists already; delete it first, or write over it on purpose")
        if existing is not None and existing.view_query is not None:
            raise InvalidQuery(f"{destination!r} is a view; rows cannot be written to it")
        return existing

    def _describe(self, destination: str, layout: Layout, before: Table | None, write: Write, job: AnyJob) -> None:
        # An append leaves description, labels and expiration as they were. BigQuery allows a table 5 such changes in
        # 10 seconds: https://cloud.google.com/bigquery/quotas#standard_tables
        kept = before if write is Write.APPEND else None
        days = self._settings.expire_days
        expires = None if days is None else job.ended + timedelta(days=days)
        if not is_described(kept, layout) or not lasts(kept, expires):
            self._tables.describe(destination, layout, expires=expires)


def _pages(rows: RowIterator) -> Iterator[list[tuple[Value, ...]]]:
    """Yield the rows page by page, and keep nothing of one when the next is asked for."""
    for page in rows.pages:
        values = [row.values() for row in page]
        page.raw_page.get("rows", []).clear()  # the library holds it until the next is there
        yield values
        del values


def _types(columns: Sequence[Column]) -> dict[str, str]:
    return {column.name: column.type for column in columns}


def _with_missing(sql: Sql, given: Sequence[Column], wanted: Sequence[Column]) -> Sql:
    """Return the query with NULL for what the table has and the query does not: an append must give every column."""
    names = {each.name.lower() for each in given}
    missing = [each for each in wanted if each.name.lower() not in names]
    if not missing:
        return sql
    nulls = lines([Sql(f"CAST(NULL AS {each.type}) AS {identifier(each.name)}") for each in missing])
    query = sql.rstrip().rstrip(";")
    return Sql(f"SELECT\n  given.*,\n  {nulls}\nFROM (\n{query}\n) AS given")


def _cost(job: AnyJob, rows: int) -> Job:
    seconds = (job.ended - job.started).total_seconds() if job.ended and job.started else 0.0
    if isinstance(job, LoadJob):
        return Job(job.job_id, rows, int(job.input_file_bytes or 0), 0, seconds)
    return Job(job.job_id, rows, int(job.total_bytes_processed or 0), int(job.slot_millis or 0), seconds)
