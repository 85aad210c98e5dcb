"""Warns of telemetry of which an account may be given a part, and no error."""

from collections.abc import Collection, Iterator

from jetstream_argo.dialect.columns import names_in
from jetstream_argo.errors import EngineError
from jetstream_argo.plan.model import AnalysisPlan, Composed, Metric, Source
from jetstream_argo.sql.telemetry import rows_alone
from jetstream_argo.warehouse.protocol import Engine


def guarded(plan: AnalysisPlan, engine: Engine, metrics: Collection[str] = ()) -> Iterator[str]:
    """Yield a sentence for each table behind a data source that restricts what the account is given, where one can ask.

    The embedded engine restricts nothing. Whether BigQuery really leaves anything out it says of each job alone.
    """
    from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine  # loads Google's client

    if not isinstance(engine, BigQueryEngine):
        return
    sentences: dict[str, None] = {}
    wanted = [metric for metric in plan.metrics if not metrics or metric.name in metrics]
    for source in plan.sources:
        own = [metric for metric in wanted if metric.source == source.name]
        if own:
            try:
                tables = engine.base_tables(rows_alone(source.from_expression, source.date_column))
            except EngineError:
                continue  # what is wrong with it is told where the files are checked
            sentences |= dict.fromkeys(engine.guards(tables, _names(source, own)))
    yield from sentences


def _names(source: Source, metrics: Collection[Metric]) -> frozenset[str]:
    """Return all names in what is read of a source."""
    partials = {
        name for metric in metrics if isinstance(metric.computation, Composed) for name in metric.computation.partials
    }
    texts = [partial.expression for partial in source.partials if partial.column in partials]
    texts += [metric.select_expression for metric in metrics]
    own = {*source.id_column.split("."), *source.date_column.split(".")}
    return frozenset(own).union(*(names_in(text) for text in (*texts, source.branch_expression or "NULL")))
