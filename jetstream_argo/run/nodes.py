"""Runs a node of any kind, and says how it ended."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from jetstream_argo.config.periods import Period
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
from jetstream_argo.errors import (
    EXIT_DEFINITION,
    EXIT_DONE,
    EXIT_RETRY,
    EngineError,
    EstimateError,
    JetstreamArgoError,
)
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.sources import Source
from jetstream_argo.run.context import Context, because
from jetstream_argo.run.enrolling import ensure_enrollments, nobody_enrolled
from jetstream_argo.run.existence import note_losses
from jetstream_argo.run.failing import recorded_failures
from jetstream_argo.run.partials import ensure_partials, ensure_signals
from jetstream_argo.run.splitting import is_about_a_table
from jetstream_argo.run.upgrading import remove_replaced
from jetstream_argo.run.values import ensure_values
from jetstream_argo.store.entries import Kind, State
from jetstream_argo.terminal.plural import counted


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a node ended: a line for people, and what failed, by metric, whether that fails the node or not.

    `idle` says that there was nothing left to do. `done` and `skipped` count the metrics that were computed now, and
    those that were before.
    """

    line: str
    idle: bool = False
    done: int = 0
    skipped: int = 0
    failed: tuple[tuple[str, JetstreamArgoError], ...] = ()
    exit_code: int = EXIT_DONE


def run_node(node: Node, context: Context) -> TaskResult:
    """Do what `node` is for, unless it is done already; what can be done is committed, whatever fails beside it.

    Raises:
        NodeError: a branch is misnamed, or a view could not be made.
        EngineError: the warehouse refused or failed, and not because of one metric. It is recorded.
    """
    with recorded_failures(node, context):
        note_losses(context)
        return do_node(node, context)


def do_node(node: Node, context: Context) -> TaskResult:
    """Do so where it is recorded already which rows are gone, and leave failures to the caller."""
    if not isinstance(node.task, EnrollmentsTask | CountsTask | ExportTask) and nobody_enrolled(context):
        return TaskResult("nobody enrolled", idle=True)
    match node.task:
        case EnrollmentsTask():
            line = ensure_enrollments(context)
            return TaskResult(line, idle=line.startswith("cached"))
        case SignalTask():
            line = ensure_signals(context)
            return TaskResult(line, idle=line == _IDLE)
        case CountsTask():
            from jetstream_argo.run.statistics import ensure_counts  # loads numpy

            done = ensure_counts(context)
            return TaskResult(f"counted {counted(done, 'window')}" if done else _IDLE, idle=not done)
        case SourceTask(source, stage):
            return _source(context, context.plan.source(source), stage)
        case StatisticsTask(period, metrics):
            return _statistics(context, period, metrics)
        case ExportTask():
            return _published(context)
        case _:
            assert_never(node.task)


_IDLE = "up to date"


def _published(context: Context) -> TaskResult:
    """Publish what is there, and tell the webhook, if there is one, of what is new: also where publishing failed."""
    from jetstream_argo.run.notifying import notify
    from jetstream_argo.run.publishing import publish, what_failed

    try:
        published = publish(context)
    except JetstreamArgoError as error:
        notify(context, published=str(error))
        raise
    parts = [part for part in (published, remove_replaced(context), notify(context)) if part]
    if context.graph_failed:
        return TaskResult("; ".join([what_failed(context), *parts]), exit_code=EXIT_DEFINITION)
    return TaskResult("; ".join(parts))


def _source(context: Context, source: Source, stage: Stage) -> TaskResult:
    """Read and merge. The stage fails only when nothing that it was asked for can be had, or dates are awaited."""
    metrics = _wanted(context, source)
    reads = [read for read in source.reads if stage is (Stage.PRE if read.before_enrollment else Stage.DAY)]
    outcome = ensure_partials(context, source, reads, metrics)
    due = [metric for metric in metrics if any(period in metric.periods for period in stage.periods)]
    for period in stage.periods:
        outcome += ensure_values(context, source, period, [metric for metric in due if period in metric.periods])
    failed = dict(outcome.errors)
    waits = dict.fromkeys(str(error) for error in outcome.awaited)
    nothing = not outcome.written and {metric.name for metric in due or metrics} <= set(failed)
    if nothing and len({str(error) for error in failed.values()}) == 1:
        error = next(iter(failed.values()))
        if is_about_a_table(error):
            raise error
    parts = [counted(outcome.written, "query")] if outcome.written or failed or waits else [_IDLE]
    parts += [f"{metric} failed: {error}" for metric, error in failed.items()]
    parts += waits
    return TaskResult(
        "; ".join(parts),
        idle=not outcome.written and not failed and not waits,
        done=len({metric.name for metric in due or metrics} - set(failed)),
        failed=tuple(failed.items()),
        exit_code=EXIT_RETRY if waits else _worst(failed.values()) if failed and nothing else EXIT_DONE,
    )


def _wanted(context: Context, source: Source) -> list[Metric]:
    """Return the metrics of `source` that are asked for, also as what others are made of or adjusted by."""
    plan = context.plan
    if not context.metrics:
        return [metric for metric in plan.metrics if metric.source == source.name]
    names: set[str] = set()
    for leaf in plan.statistics:
        if context.wants(leaf.metric):
            names.update((leaf.metric, *plan.metric(leaf.metric).depends_on))
            names.update(statistic.covariate.metric for statistic in leaf.statistics if statistic.covariate)
    return [metric for metric in plan.metrics if metric.source == source.name and metric.name in names]


def _statistics(context: Context, period: Period, metrics: Sequence[str]) -> TaskResult:
    """Estimate, metric by metric. Each fails alone, and any failure fails the node."""
    from jetstream_argo.run.statistics import Done, ensure_inputs, ensure_statistics  # loads numpy

    estimated: dict[str, Done] = {}
    failed: dict[str, JetstreamArgoError] = {}
    leaves = [leaf for leaf in context.plan.statistics if leaf.period is period and leaf.metric in metrics]
    for leaf in leaves:
        if not context.wants(leaf.metric):
            continue
        try:
            awaited = ensure_inputs(context, leaf)
            estimated[leaf.metric] = ensure_statistics(context, leaf, awaits=awaited is not None)
            if awaited is not None:
                failed[leaf.metric] = awaited  # recorded where it was found
        except (EngineError, EstimateError) as error:
            failed[leaf.metric] = error
            entry = context.entry(Kind.STATISTICS, State.FAILED)
            entry = replace(entry, keys=(leaf.key,), metrics=(leaf.metric,), period=period.value)
            context.record([because(entry, error)])
    windows = sum(result.windows for result in estimated.values())
    queries = sum(result.queries for result in estimated.values())
    parts = [f"estimated {counted(windows, 'window')} by {counted(queries, 'query')}"] if windows or failed else [_IDLE]
    parts += [f"{metric} failed: {error}" for metric, error in failed.items()]
    done = sum(result.windows > 0 for result in estimated.values())
    return TaskResult(
        "; ".join(parts),
        idle=not windows and not failed,
        done=done,
        skipped=len(estimated) - done,
        failed=tuple(failed.items()),
        exit_code=_worst(failed.values()),
    )


def _worst(errors: Collection[JetstreamArgoError]) -> int:
    """75 when a retry of some of it may help."""
    if not errors:
        return EXIT_DONE
    return EXIT_RETRY if any(error.exit_code == EXIT_RETRY for error in errors) else EXIT_DEFINITION
