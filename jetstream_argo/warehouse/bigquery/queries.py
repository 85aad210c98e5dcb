"""Asks BigQuery one query, and fetches its rows."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import cast

from google.api_core.retry import Retry
from google.cloud.bigquery import Client, LoadJob, QueryJob, QueryJobConfig
from google.cloud.bigquery.table import RowIterator

from jetstream_argo.dialect.types import Value
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.calls import retry, translated
from jetstream_argo.warehouse.bigquery.encryption import encryption
from jetstream_argo.warehouse.bigquery.jobs import AnyJob, JobNames, Jobs
from jetstream_argo.warehouse.bigquery.labels import sanitised
from jetstream_argo.warehouse.bigquery.restrictions import restrictions_of
from jetstream_argo.warehouse.bigquery.schema import columns_of
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.bigquery.tables import Tables
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Result


@dataclass(frozen=True, slots=True)
class QueryRunner:
    """Runs queries as jobs of those names."""

    client: Client
    settings: BigQuerySettings
    tables: Tables
    names: JobNames
    jobs: Jobs

    def config(self, labels: Mapping[str, str]) -> QueryJobConfig:
        """Return what the settings say of every query."""
        settings = self.settings
        config = QueryJobConfig(labels=sanitised(labels), priority=settings.priority.value)
        config.job_timeout_ms = int(settings.timeout_seconds * 1000)
        self._name_default(config)
        if settings.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = settings.maximum_bytes_billed
        if settings.reservation:
            config.reservation = settings.reservation
        config.destination_encryption_configuration = encryption(settings)  # of what an answer is kept in, too
        return config

    def run(self, sql: Sql, config: QueryJobConfig, *request: str, location: str = "") -> QueryJob:
        """Return the job that has run the query; `request` says what is asked for, of which its name is made."""
        location = location or self.settings.location

        def begin(job_id: str) -> AnyJob:
            return self.client.query(
                sql,
                job_config=config,
                job_id=job_id,
                location=location,
                retry=cast(Retry, None),  # the library takes None for "once"; Jobs tries again
                timeout=self.settings.request_seconds,
                job_retry=None,
            )

        return cast(QueryJob, self.jobs.run(self.names.next(*request), begin, sql=sql, location=location))

    def rows(self, job: QueryJob, *, page_rows: int | None = None) -> RowIterator:
        """Return the rows of a query that has run; without a page size just how many there are."""
        # Without a page size, the first request asks for no rows, and a second one for the first of them.
        return job.result(
            page_size=page_rows,
            max_results=0 if page_rows is None else None,
            retry=retry(self.settings),
            timeout=self.settings.request_seconds,
            job_retry=None,
        )

    def result(self, job: QueryJob, sql: Sql, *, page_rows: int) -> Result:
        """Return the rows of a query that has run."""
        from jetstream_argo.warehouse.arrow import table_of  # loads pyarrow

        with translated(job_id=job.job_id, sql=sql):
            found = self.rows(job, page_rows=page_rows)
            columns = columns_of(found.schema)
            table = table_of(columns, _pages(found))
        return Result(columns, table, cost(job, table.num_rows))

    def metadata(self, sql: Sql, location: str) -> Iterator[Mapping[str, Value]]:
        """Return the rows of a query of metadata, which is asked where its dataset is."""
        config = self.config({"purpose": "versions"})
        if location.lower() != self.settings.location.lower():  # slots and keys are of one place
            config.reservation = config.destination_encryption_configuration = None
        job = self.run(sql, config, "metadata", sql, location=location)
        return self.result(job, sql, page_rows=PAGE_ROWS).dicts()

    def dry(self, sql: Sql) -> QueryJob:
        """Return the job that says what a query would do."""
        config = QueryJobConfig(dry_run=True, use_query_cache=False)
        self._name_default(config)
        with translated(sql=sql):
            return self.client.query(
                sql,
                job_config=config,
                location=self.settings.location,
                retry=retry(self.settings),
                timeout=self.settings.request_seconds,
                job_retry=None,
            )

    def _name_default(self, config: QueryJobConfig) -> None:
        if self.settings.default_dataset:
            config.default_dataset = self.tables.dataset(self.settings.default_dataset)


def cost(job: AnyJob, rows: int) -> Job:
    """Return what a job cost that has run, and that its rows were so many."""
    seconds = (job.ended - job.started).total_seconds() if job.ended and job.started else 0.0
    if isinstance(job, LoadJob):
        return Job(job.job_id, rows, int(job.input_file_bytes or 0), 0, seconds)
    read, slots = int(job.total_bytes_processed or 0), int(job.slot_millis or 0)
    return Job(job.job_id, rows, read, slots, seconds, restrictions=restrictions_of(job))


def _pages(rows: RowIterator) -> Iterator[list[tuple[Value, ...]]]:
    """Yield the rows page by page, and keep nothing of one when the next is asked for."""
    for page in rows.pages:
        values = [row.values() for row in page]
        page.raw_page.get("rows", []).clear()  # the library holds it until the next is there
        yield values
        del values
