"""Checks that a warehouse answers, and that results can be written to its dataset."""

from contextlib import suppress

from jetstream_argo.argo.doctor.checks import DoctorCheck
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.sql import text
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.connect import connect, new_attempt, settings
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write

_LABELS = {"jetstream-argo": "doctor"}
_COLUMN = Column("number", "INT64")


def warehouse_checks(url: str, dataset: str) -> tuple[DoctorCheck, ...]:
    """Return the checks of a warehouse: that queries run, and that tables can be made, written and deleted."""
    return (
        DoctorCheck("warehouse", lambda: _queried(url), _cure_of_queries(url)),
        DoctorCheck("dataset", lambda: _written(_connected(url), dataset), _cure_of_writing(url, dataset), "warehouse"),
    )


def _connected(url: str) -> Engine:
    return connect(url, attempt=new_attempt(), job_id_prefix="doctor")


def _queried(url: str) -> str:
    _connected(url).query(Sql("SELECT 1 AS number"), labels=_LABELS)
    found = settings(url)
    where = f" in location {found.location}" if isinstance(found, BigQuerySettings) else ""
    return f"{url} answers queries{where}"


def _written(engine: Engine, dataset: str) -> str:
    """Make a table by a query, add a row to it, read both, and delete it, whatever happens."""
    table = f"{dataset}.doctor_{new_attempt()}"
    about = Layout(description="Made by `jetstream-argo doctor`, which deletes it at once")
    try:
        engine.query_to_table(Sql("SELECT 1 AS number"), table, write=Write.EMPTY, labels=_LABELS, layout=about)
        engine.load(table, [{"number": 2}], [_COLUMN], write=Write.APPEND, labels=_LABELS)
        rows = engine.query(Sql(f"SELECT t.number FROM {text.table(table)} AS t"), labels=_LABELS).table.num_rows
    except EngineError:
        with suppress(EngineError):  # what went wrong first is what is told
            engine.delete(table)
        raise
    engine.delete(table)
    if rows != 2:  # noqa: PLR2004  # the rows that were just written
        raise EngineError(f"{table}: two rows were written, and {rows} read")
    return f"a table of {dataset} was made, written to, read and deleted"


def _cure_of_queries(url: str) -> str:
    if url.startswith("bigquery:"):
        return "give the account roles/bigquery.jobUser on the project, which holds bigquery.jobs.create"
    return "check that the folder is there, is mounted, and may be read and written"


def _cure_of_writing(url: str, dataset: str) -> str:
    if url.startswith("bigquery:"):
        place = "in the location that the warehouse's address names (?location=…)"
        return f"make the dataset {place}, and give the account roles/bigquery.dataEditor on {dataset}"
    return "check that the folder may be written to, and that there is room"
