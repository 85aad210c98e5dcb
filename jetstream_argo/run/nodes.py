"""What each kind of node does, and how it ends."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from jetstream_argo.dag.model import (
    CountsTask,
    EnrollmentsTask,
    ExportTask,
    Node,
    SignalTask,
    SourceTask,
    Stage,
    StatisticsTask,
)
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY, EngineError, NodeError
from jetstream_argo.plan.model import Metric, Source
from jetstream_argo.run.context import Context
from jetstream_argo.run.enrolling import ensure_enrollments, ensure_signals
from jetstream_argo.run.publishing import publish
from jetstream_argo.run.sources import Outcome, ensure_partials, ensure_values
from jetstream_argo.run.statistics import ensure_counts, ensure_inputs, ensure_statistics


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a node that succeeded did: a line for people. `idle` says that there was nothing left to do."""

    summary: str
    idle: bool = False


def run_node(node: Node, context: Context) -> TaskResult:
    """Do what `node` is for, unless it is done already.

    Raises:
        NodeError: some of it could not be done; what could be is committed.
        EngineError: none of it could be done.
    """
    match node.task:
        case EnrollmentsTask():
            summary = ensure_enrollments(context)
            return TaskResult(summary, idle=summary.startswith("cached"))
        case SignalTask():
            summary = ensure_signals(context)
            return TaskResult(summary, idle=summary == "up to date")
        case CountsTask():
            return _result(ensure_counts(context), "windows counted")
        case SourceTask(source, stage):
            return _source(context, context.plan.source(source), stage)
        case StatisticsTask(period, metrics):
            return _statistics(context, period, metrics)
        case ExportTask():
            return TaskResult(publish(context))
        case _:
            assert_never(node.task)


def _result(done: int, what: str) -> TaskResult:
    return TaskResult(f"{done} {what}" if done else "up to date", idle=not done)


def wanted_metrics(context: Context, source: Source) -> list[Metric]:
    """Return the metrics of `source` whose values the context asks for, be it as dividends or covariates of others."""
    plan = context.plan
    names: dict[str, None] = {}
    for leaf in plan.statistics:
        if context.wants(leaf.metric):
            names |= dict.fromkeys((leaf.metric, *plan.metric(leaf.metric).depends_on))
            names |= {each.covariate.metric: None for each in leaf.statistics if each.covariate}
    asked = {leaf.metric for leaf in plan.statistics}
    return [
        metric
        for metric in plan.metrics
        if metric.source == source.name and (metric.name in names or not (context.metrics or metric.name in asked))
    ]


def _source(context: Context, source: Source, stage: Stage) -> TaskResult:
    metrics = wanted_metrics(context, source)
    reads = [read for read in source.reads if stage is (Stage.PRE if read.before_enrollment else Stage.DAY)]
    outcome = ensure_partials(context, source, reads, metrics)
    computed: list[Metric] = []
    for period in stage.periods:
        due = [metric for metric in metrics if period in metric.periods]
        computed += due
        outcome += ensure_values(context, source, period, due)
    failed = dict(outcome.errors)
    if failed and not outcome.written and set(failed) >= {metric.name for metric in computed or metrics}:
        raise _worst(failed)
    return TaskResult(_said(outcome, failed), idle=not outcome.written and not failed)


def _said(outcome: Outcome, failed: dict[str, EngineError]) -> str:
    if not outcome.written and not failed:
        return "up to date"
    text = f"{outcome.written} queries wrote"
    if failed:
        text += f"; failed: {', '.join(sorted(failed))}"
    return text


def _worst(failed: dict[str, EngineError]) -> NodeError:
    code = EXIT_RETRY if any(error.exit_code == EXIT_RETRY for error in failed.values()) else EXIT_DEFINITION
    return NodeError("; ".join(f"{metric}: {error}" for metric, error in sorted(failed.items())), exit_code=code)


def _statistics(context: Context, period: object, metrics: Sequence[str]) -> TaskResult:
    done = 0
    failed: dict[str, EngineError] = {}
    for leaf in context.plan.statistics:
        if leaf.period is not period or leaf.metric not in metrics or not context.wants(leaf.metric):
            continue
        try:
            ensure_inputs(context, leaf)
            done += ensure_statistics(context, leaf)
        except EngineError as error:
            failed[leaf.metric] = error
    if failed:
        raise _worst(failed)
    return _result(done, "windows estimated")
