"""Warns of telemetry of which an account may be given a part, and no error."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from jetstream_argo.dialect.columns import names_in
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan, Metric
from jetstream_argo.plan.sources import Composed, Source
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class TelemetryRead:
    """A query that reads the tables which a part of a plan reads, and the names of what is used of them."""

    sql: Sql
    names: frozenset[str]


def telemetry_reads(plan: AnalysisPlan, metrics: Collection[str] = ()) -> Iterator[TelemetryRead]:
    """Yield what is read of telemetry for `metrics`, or for all: enrollments, exposures, segments, signal, sources."""
    enrollments = plan.enrollments
    for sql in (enrollments.sql, enrollments.exposures_sql):
        if sql is not None:
            yield TelemetryRead(Sql(sql), names_in(sql))
    for rows in enrollments.segment_sources:
        own = [member.select_expression for member, _ in enrollments.memberships if member.data_source == rows.name]
        yield _rows(rows.from_expression, rows.id_column, rows.date_column, own)
    if plan.signal is not None:
        signal = plan.signal
        yield _rows(signal.from_expression, signal.id_column, signal.date_column, [signal.partial.expression])
    wanted = [metric for metric in plan.metrics if not metrics or metric.name in metrics]
    for source in plan.sources:
        of_source = [metric for metric in wanted if metric.source == source.name]
        if of_source:
            texts = [*_expressions(source, of_source), source.branch_expression or "NULL"]
            yield _rows(source.from_expression, source.id_column, source.date_column, texts)


def guarded(plan: AnalysisPlan, engine: Engine, metrics: Collection[str] = ()) -> Iterator[str]:
    """Yield a sentence for each table behind the plan that restricts what the account is given, where one can ask.

    The embedded engine restricts nothing. Whether BigQuery really leaves anything out it says of each job alone.
    """
    from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine  # loads Google's client

    if isinstance(engine, BigQueryEngine):
        for table, names in names_by_table(engine, telemetry_reads(plan, metrics)).items():
            yield from engine.guards([table], names)


def names_by_table(engine: Engine, reads: Iterable[TelemetryRead]) -> dict[str, frozenset[str]]:
    """Return the tables behind what is read, those behind views included, each with the names of what is used of it.

    What the warehouse refuses has none: what is wrong with it is told where the files are checked.
    """
    by_query: dict[Sql, frozenset[str]] = {}
    for read in reads:
        by_query[read.sql] = by_query.get(read.sql, frozenset()) | read.names
    found: dict[str, frozenset[str]] = {}
    for sql, names in by_query.items():
        try:
            tables = engine.base_tables(sql)
        except EngineError:
            continue
        for table in tables:
            found[table] = found.get(table, frozenset()) | names
    return found


def _rows(from_expression: str, id_column: str, date_column: str, texts: Iterable[str]) -> TelemetryRead:
    """Return what is read of rows: unit and date, what expressions name, and what stands after FROM names itself."""
    named = [names_in(text) for text in (*texts, f"SELECT * FROM {from_expression}\nAS ds")]
    own = {*id_column.split("."), *date_column.split(".")}
    return TelemetryRead(rows_alone(from_expression, date_column), frozenset(own).union(*named))


def _expressions(source: Source, metrics: Collection[Metric]) -> Iterator[str]:
    """Yield what is computed of a source's rows for some metrics."""
    partials = {
        name for metric in metrics if isinstance(metric.computation, Composed) for name in metric.computation.partials
    }
    yield from (partial.expression for partial in source.partials if partial.column in partials)
    yield from (metric.select_expression for metric in metrics)
