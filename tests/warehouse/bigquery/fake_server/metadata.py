"""What the fake tells about tables in queries and dry runs: their partitions, and which a query reads."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.catalog import Catalog, split
from tests.warehouse.bigquery.fake_server.datasets import GET, LIST, not_to_be_queried
from tests.warehouse.bigquery.fake_server.limits import Limits
from tests.warehouse.bigquery.fake_server.wire import ApiError, Resource

BILLED_BYTES = 10 * 1024**2  # of a query of INFORMATION_SCHEMA, at least

_MOST_TABLES = 1_000
_PARTITIONS = re.compile(r"`?([\w-]+)`?\.`?(\w+)`?\.INFORMATION_SCHEMA\.PARTITIONS`?")
_JOBS = re.compile(r"`([\w-]+)\.region-([\w-]+)\.INFORMATION_SCHEMA\.JOBS_BY_PROJECT`")
_JOB_COLUMNS = (
    Column("creation_time", "TIMESTAMP"),
    Column("labels", "ARRAY<STRUCT<key STRING, value STRING>>"),
    Column("total_bytes_billed", "INT64"),
    Column("total_slot_ms", "INT64"),
)
_COLUMNS = (
    Column("table_catalog", "STRING"),
    Column("table_schema", "STRING"),
    Column("table_name", "STRING"),
    Column("partition_id", "STRING"),
    Column("total_rows", "INT64"),
    Column("total_logical_bytes", "INT64"),
    Column("last_modified_time", "TIMESTAMP"),
    Column("storage_tier", "STRING"),
)


def asks_for_partitions(sql: str) -> bool:
    """Return whether a query reads `INFORMATION_SCHEMA.PARTITIONS`."""
    return _PARTITIONS.search(sql) is not None


def with_partitions(catalog: Catalog, sql: Sql, location: str) -> Sql:
    """Return the query with a table of now in the place of each `INFORMATION_SCHEMA.PARTITIONS`.

    Raises:
        ApiError: the account may not, the dataset is elsewhere, or the query names too many tables.
    """
    for project, dataset in dict.fromkeys(_PARTITIONS.findall(sql)):
        _check(catalog, project, dataset, location)
        named = [name for name in catalog.names(project, dataset) if f"'{split(name)[2]}'" in sql]
        tables = named or catalog.names(project, dataset)
        if len(tables) > _MOST_TABLES:
            raise ApiError(
                400,
                "invalidQuery",
                "INFORMATION_SCHEMA.PARTITIONS query attempted to read too many tables. "
                "Please add more restrictive filters.",
            )
        rows = [row for name in tables for row in _rows(catalog, name)]
        here = f"{catalog.project}.fake_server.partitions_{dataset}"
        catalog.engine.load(here, rows, _COLUMNS, write=Write.TRUNCATE, labels={})
        sql = Sql(re.sub(rf"`?{project}`?\.`?{dataset}`?\.INFORMATION_SCHEMA\.PARTITIONS`?", f"`{here}`", sql))
    return sql


def asks_for_jobs(sql: str) -> bool:
    """Return whether a query reads `INFORMATION_SCHEMA.JOBS_BY_PROJECT`."""
    return _JOBS.search(sql) is not None


def with_jobs(catalog: Catalog, sql: Sql, location: str, jobs: Iterable[Mapping[str, Value]]) -> Sql:
    """Return the query with a table of these jobs in the place of `INFORMATION_SCHEMA.JOBS_BY_PROJECT`.

    Raises:
        ApiError: the jobs are those of another place than the query's.
    """
    found = _JOBS.search(sql)
    if found is None:
        return sql
    if found[2].lower() != location.lower():
        raise ApiError(404, "notFound", f"Not found: Dataset {found[1]}:region-{found[2]} was not found")
    here = f"{catalog.project}.fake_server.jobs"
    catalog.engine.load(here, list(jobs), _JOB_COLUMNS, write=Write.TRUNCATE, labels={})
    return Sql(_JOBS.sub(f"`{here}`", sql))


def referenced(catalog: Catalog, sql: Sql, limits: Limits) -> list[Resource]:
    """Return the tables that a query reads, as the service lists them: those behind views, and no more than it lists.

    It is documented of neither views nor wildcards how they are listed; `limits` says it.
    """
    names = list(dict.fromkeys(_read(catalog, sql, limits)))[: limits.listed_tables]
    return [dict(zip(("projectId", "datasetId", "tableId"), split(name), strict=True)) for name in names]


def _check(catalog: Catalog, project: str, dataset: str, location: str) -> None:
    settings = catalog.datasets[f"{project}.{dataset}"]
    if settings.location != location:
        raise ApiError(404, "notFound", f"Not found: Dataset {project}:{dataset} was not found in location {location}")
    if settings.denied & {GET, LIST}:
        raise not_to_be_queried(f"{project}:{dataset}.INFORMATION_SCHEMA.PARTITIONS")


def _rows(catalog: Catalog, name: str) -> Iterator[dict[str, Value]]:
    project, dataset, table = split(name)
    for partition in catalog.partitions(name):
        values: Sequence[Value] = (
            *(project, dataset, table, partition.id, partition.rows, partition.bytes),
            *(partition.modified, "ACTIVE"),
        )
        yield {column.name: value for column, value in zip(_COLUMNS, values, strict=True)}


def _read(catalog: Catalog, sql: str, limits: Limits) -> Iterator[str]:
    session, store = catalog.engine._session, catalog.engine._store
    for table in session.translate(sql).tables:
        name = store.name(table)
        if "*" in table:
            matching = [
                str(table_name) for table_name in store.names(name.project, name.dataset, name.table.removesuffix("*"))
            ]
            yield from [str(name)] if limits.lists_wildcards else matching
            continue
        version = store.current(name)
        if version is None or version.view_sql is None:
            yield str(name)
            continue
        if limits.lists_views:
            yield str(name)
        yield from _read(catalog, version.view_sql, limits)
