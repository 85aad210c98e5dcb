"""The production warehouse, through google-cloud-bigquery.

Everything is asked for in one project. Our queries name their tables with a dataset; those of configurations may
leave it out where the settings name a default one.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date

from google.cloud.bigquery import Client

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.client import client_for
from jetstream_argo.warehouse.bigquery.guards import guards, unseen
from jetstream_argo.warehouse.bigquery.jobs import JobNames, Jobs
from jetstream_argo.warehouse.bigquery.leases import TableLeases
from jetstream_argo.warehouse.bigquery.metadata import Metadata
from jetstream_argo.warehouse.bigquery.pace import Pace
from jetstream_argo.warehouse.bigquery.queries import QueryRunner
from jetstream_argo.warehouse.bigquery.references import References
from jetstream_argo.warehouse.bigquery.schema import columns_of
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.bigquery.tables import Tables
from jetstream_argo.warehouse.bigquery.versions import KeptVersions
from jetstream_argo.warehouse.bigquery.writing import TableWriter
from jetstream_argo.warehouse.bigquery.written import Tally
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


class BigQueryEngine:
    """BigQuery as an `Engine`. Its job ids are made of `job_id_prefix`, `attempt` and what is asked for."""

    bills_partitions = True
    memory_mib: int | None = None

    def __init__(
        self,
        settings: BigQuerySettings,
        *,
        attempt: str,
        job_id_prefix: str = "",
        client: Client | None = None,
        pace: Pace | None = None,
    ) -> None:
        client = client_for(settings) if client is None else client
        pace = Pace() if pace is None else pace
        self.settings = settings
        self._names = JobNames(job_id_prefix, attempt)
        self._jobs = Jobs(client, settings)
        self._tables = Tables(client, settings)
        self._queries = queries = QueryRunner(client, settings, self._tables, self._names, self._jobs)
        self._tally = Tally(self._tables, queries.metadata)
        self._writer = TableWriter(queries, self._tally, pace.now)
        self._references = References(self._tables, lambda sql: queries.dry(sql).referenced_tables)
        self._versions = KeptVersions(Metadata(self._tables, queries.metadata, self._references.cut), pace.seconds)
        self._leases = TableLeases(self._tables, self._jobs, pace)

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query and return its rows; BigQuery ends a page at 20 MB of JSON too, which take 400 MB here."""
        job = self._queries.run(sql, self._queries.config(labels), "query", sql)
        return self._queries.result(job, sql, page_rows=page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows, all or none, to a table, which is made if it is missing."""
        self._leases.check()
        self._versions.forget(destination)
        return self._writer.from_query(sql, destination, write=write, labels=labels, layout=layout)

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
        self._leases.check()
        self._versions.forget(destination)
        return self._writer.from_rows(destination, rows, columns, write=write, labels=labels, layout=layout)

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

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return how many rows each partition of a table has, by a query of metadata, which is billed 10 MB."""
        return self._tally.of_table(table)

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        self._tables.set_labels(table, labels)

    def tables(self, dataset: str, *, prefix: str = "") -> tuple[Listed, ...]:
        """Return the tables and views of a dataset, by name: one request for each thousand that it holds."""
        return self._tables.list(dataset, prefix=prefix)

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of the engine's own project, by name: those that the account may know of."""
        return self._tables.datasets()

    def delete(self, table: str) -> None:
        """Delete a table or view, if it is there."""
        self._leases.check()
        self._versions.forget(table)
        self._tables.delete(table)

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what it would read."""
        job = self._queries.dry(sql)
        return DryRun(columns_of(job.schema or ()), int(job.total_bytes_processed or 0))

    def guards(self, names: Sequence[str], used: Collection[str]) -> tuple[str, ...]:
        """Return what may give an account a part of these tables without an error, by the columns that are `used`."""
        return tuple(guards(self._tables, names, used))

    def unseen(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return those of these tables of which the account cannot tell whether they give it a part."""
        return tuple(unseen(self._tables, names))

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

    def lease(
        self, name: str, *, exclusive: bool, holder: str, wait_seconds: float = 0.0
    ) -> AbstractContextManager[None]:
        """Hold the lease `name` (`dataset.name`): many may hold it shared, or one alone.

        A holder that died holds nothing after five minutes. One that loses its lease, because it could not renew it for
        as long, can write nothing more until it has left it.
        """
        return self._leases.held(name, exclusive=exclusive, holder=holder, wait_seconds=wait_seconds)

    def purge(self, tables: Sequence[str]) -> Purged:
        """Return until when the rows that these tables had can be brought back; nothing can be done to hasten it."""
        return self._leases.purge(tables)

    def left_over(self, table: str) -> int:
        """Return 0: the service keeps its storage."""
        return 0

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return nothing: the service answers for what it stores."""
        return ()

    def salvage(self, table: str) -> None:
        """Do nothing: the service answers for what it stores."""

    def take_over(self) -> None:
        """Cancel what earlier starts with the same `job_id_prefix` have left running.

        Whoever starts a node last holds it: one that was given up, on a machine that nobody can reach, loses its query
        to its successor, and ends as one whose job was cancelled.
        """
        self._jobs.cancel_all(self._names.is_of_another_start)

    def cancel(self) -> None:
        """Cancel the job that is running, if one is; for another thread."""
        self._jobs.cancel()
