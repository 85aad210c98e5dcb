"""Records a node's failure that is not one metric's, so that `status` can tell of it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
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
from jetstream_argo.errors import EngineError, JetstreamArgoError
from jetstream_argo.run.context import Context, because
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.store.estimates_table import IDENTITY, SAMPLE_RATIO


@contextmanager
def recorded_failures(node: Node, context: Context) -> Iterator[None]:
    """Record the error with which `node` ends, unless that is in the record already, and raise it.

    A node that succeeds after such a failure says so, also where it found nothing left to do.
    """
    try:
        yield
    except JetstreamArgoError as error:
        about = _about(node, context)
        if about is not None and not _is_recorded(error, context):
            with suppress(
                EngineError
            ):  # the warehouse may be what fails: then the error itself is all there is to tell
                context.record([because(about, error)])
        raise
    last = next((entry for entry in reversed(context.ledger.entries) if entry.node == node.id), None)
    if last is not None and last.state is State.FAILED and not last.keys:
        context.record([replace(context.entry(last.kind, State.COMPUTED), message="nothing was left to do")])


def _is_recorded(error: JetstreamArgoError, context: Context) -> bool:
    own_entries = (entry for entry in context.ledger.entries if entry.attempt == context.attempt)
    return any(entry.state in (State.FAILED, State.WAITING) and entry.message == str(error) for entry in own_entries)


def _about(node: Node, context: Context) -> Entry | None:
    """Return an entry about what `node` was to do; None for one whose failure explains no missing result."""
    match node.task:
        case EnrollmentsTask():
            return context.entry(Kind.ENROLLMENTS, State.FAILED)
        case SignalTask():
            return context.entry(Kind.SIGNALS, State.FAILED)
        case CountsTask():
            return replace(context.entry(Kind.STATISTICS, State.FAILED), metrics=(IDENTITY, SAMPLE_RATIO))
        case SourceTask(source, stage):
            reads = stage in (Stage.PRE, Stage.DAY)
            return replace(
                context.entry(Kind.PARTIALS if reads else Kind.VALUES, State.FAILED),
                source=source,
                period="" if reads else stage.periods[0].value,
                metrics=tuple(metric.name for metric in context.plan.metrics if metric.source == source),
            )
        case StatisticsTask(period, metrics):
            return replace(context.entry(Kind.STATISTICS, State.FAILED), metrics=metrics, period=period.value)
        case ExportTask():
            return None
        case _:
            assert_never(node.task)
