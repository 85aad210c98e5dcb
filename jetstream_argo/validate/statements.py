"""Lists the queries that the nodes of a plan would run, from the code that runs them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, Node, SignalTask, SourceTask, StatisticsTask
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError, EstimateError, JetstreamArgoError, NodeError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.results import Filters, estimates_query
from jetstream_argo.run.context import Context
from jetstream_argo.run.nodes import run_node
from jetstream_argo.run.sparse import Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, Kind, State, entries_query
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.validate.analysts import Analyst, Tables
from jetstream_argo.validate.expected import unit_tables
from jetstream_argo.validate.rehearsal import Rehearsal, RehearsedQuery

READING = "results"  # what people ask for when the nodes are done
_ATTEMPT = "rehearsal"


@dataclass(frozen=True, slots=True)
class Statement:
    """A query that `node` would run. `destination` is the table or view that it is for, empty for an answer.

    `metrics` are those that it serves. `bytes` is what it reads of telemetry, 0 where that is unknown.
    """

    node: str
    destination: str
    metrics: tuple[str, ...]
    sql: Sql
    columns: tuple[Column, ...]
    bytes: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """What would fail in `node`; `metric` is empty where it is not about one."""

    node: str
    metric: str
    error: JetstreamArgoError


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What the nodes would run, what would fail, and the tables that they would write."""

    statements: tuple[Statement, ...]
    wrong: tuple[Wrong, ...]
    tables: Tables


def statements(plan: AnalysisPlan, analyst: Analyst) -> tuple[Statement, ...]:
    """Return every query that the nodes of `plan` would run if nothing was computed yet; see `rehearse`."""
    return rehearse(plan, analyst).statements


def rehearse(plan: AnalysisPlan, analyst: Analyst, *, sparsity: Sparsity | None = None) -> Rehearsed:
    """Have all nodes ask their queries of a warehouse that runs none, but has `analyst` say what they would give.

    Some queries depend on types, so that an analyst who tells none gets no queries for statistics; others are asked
    only of values that need them, and here they always are. What fails is kept out of the queries of the others, as
    in a run. How many units have rows is not known here, and `sparsity` says what is done about that.
    """
    engine = Rehearsal(plan, analyst)
    ledger = Ledger()
    sha256 = codec.sha256(plan)
    now = datetime.combine(plan.as_of, time(), UTC)
    found: list[Statement] = []
    wrong: list[Wrong] = []
    barred: set[str] = set()
    made = engine.tables_made
    for node in _nodes(plan):
        if barred.intersection(node.dependencies):
            barred.add(node.id)
            continue
        context = Context(plan, sha256, node.id, engine, _ATTEMPT, lambda: now, ledger=ledger, sparsity=sparsity)
        failed = _do(node, context, engine)
        wrong += failed
        if failed and isinstance(node.task, SignalTask):
            barred.add(node.id)
        found += _statements(node, engine.taken(), ledger.entries)
    for sql in (entries_query(plan), estimates_query(plan, Filters())) if names.statistics(plan) in made else ():
        result = analyst.analyse(sql, made)
        found.append(Statement(READING, "", (), sql, result.columns, result.bytes))
    return Rehearsed(tuple(found), tuple(wrong), dict(made))


def _nodes(plan: AnalysisPlan) -> Iterator[Node]:
    """Yield the nodes with one metric's statistics at a time, so that each query belongs to one."""
    dag = build_dag(plan)
    for node in (*dag.nodes, dag.last) if dag.nodes else ():
        match node.task:
            case StatisticsTask(period, metrics):
                yield from (
                    replace(node, task=StatisticsTask(period, (metric,)), metrics=(metric,)) for metric in metrics
                )
            case _:
                yield node


def _do(node: Node, context: Context, engine: Rehearsal) -> list[Wrong]:
    try:
        return [Wrong(node.id, metric, error) for metric, error in run_node(node, context).failed]
    except (EngineError, EstimateError, NodeError) as error:
        match node.task:
            case EnrollmentsTask():
                _assume_units(context, engine)
                return [Wrong(node.id, "", error)]
            case SourceTask(source):
                own = (metric.name for metric in context.plan.metrics if metric.source == source)
                return [Wrong(node.id, metric, error) for metric in own]
            case StatisticsTask(_, metrics):
                return [Wrong(node.id, metric, error) for metric in metrics]
            case _:
                return [Wrong(node.id, "", error)]


def _assume_units(context: Context, engine: Rehearsal) -> None:
    """Go on as if the units had been found, whatever was wrong with one of the queries about them."""
    plan = context.plan
    for name, columns in unit_tables(plan).items():
        engine.assume(name, columns)
    batch = context.batch("assumed")
    keys = {
        Kind.ENROLLMENTS: ((names.assignments(plan), (plan.enrollments.key,)),),
        Kind.EXPOSURES: ((names.exposures(plan), (plan.enrollments.exposures_key,)),),
        Kind.SEGMENTS: tuple(
            (names.segments(plan, segment.data_source), (column,)) for segment, column in plan.enrollments.memberships
        ),
    }
    context.ledger.add(
        replace(context.entry(kind, State.COMPUTED), table=table, batch=batch, keys=of_table, assignments=(batch,))
        for kind, tables in keys.items()
        for table, of_table in tables
    )


def _statements(node: Node, asked: tuple[RehearsedQuery, ...], entries: list[Entry]) -> Iterator[Statement]:
    serves = {entry.batch: entry.metrics for entry in entries if entry.node == node.id and entry.batch is not None}
    for query in asked:
        batch = next((batch for batch in serves if f"{batch} AS batch" in query.sql), None)
        metrics = node.metrics if isinstance(node.task, StatisticsTask) else serves.get(batch or 0, ())
        yield Statement(node.id, query.destination, metrics, query.sql, query.columns, query.bytes)
