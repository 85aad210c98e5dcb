"""Keeps every unit's metrics in a table for readers, where the warehouse bills the partitions that they read.

A view that joins values to enrollments reads all windows of all sources, whichever window a reader asks for. Hence the
rows that readers see are kept in a table of their own, partitioned by the window.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import TooBig
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.ranges import contiguous
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.report.views import StoredMetrics, published_values
from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import write
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.store.entries import Kind, State

# Where the metrics of some windows are.
Stored: TypeAlias = Callable[[Sequence[AnalysisWindow]], Sequence[StoredMetrics]]

ROWS = "rows"  # what the record calls all columns together


def keep_published(context: Context, basis: Basis, period: Period, stored: Stored) -> tuple[WindowSlice, ...]:
    """Write the rows of windows whose values or units are others than when they were written; return where all are.

    Raises:
        EngineError: some could not be written; those before are kept.
    """
    table = names.published(context.plan, basis, period)
    known = context.ledger.batches_in(table, ROWS)
    stale: dict[AnalysisWindow, str] = {}
    for window in context.plan.windows(period):
        found, inputs = known.get(window.index), _inputs(context, basis, window, stored)
        if found is None or found.inputs != inputs:
            stale[window] = inputs
    for run in contiguous(tuple(stale)):
        _write(context, basis, period, stored, {window: stale[window] for window in run})
    return context.ledger.window_slices(table, ROWS, context.plan.windows(period))


def _inputs(context: Context, basis: Basis, window: AnalysisWindow, stored: Stored) -> str:
    """Return what the rows of a window are made from now: the batches of values, who is assigned, and to what segments.

    Later exposures are no part of it: every day has some, and would have all windows written again. They are in the
    values of exposed units; where a unit is only told to be exposed, it is as of when its window was written.
    """
    units = context.currency().units
    sql = published_values(context.plan, basis, [window], stored((window,)), batch=0)
    return digest(sql, units.assignments, repr(units.segments), repr(units.excluded))


def _write(
    context: Context,
    basis: Basis,
    period: Period,
    stored: Stored,
    inputs: Mapping[AnalysisWindow, str],
) -> None:
    windows = tuple(inputs)
    first, last = windows[0], windows[-1]
    batch = context.batch("published", basis, period, first.index, last.index)
    entry = replace(
        context.entry(Kind.VALUES, State.COMPUTED),
        table=names.published(context.plan, basis, period),
        batch=batch,
        keys=(ROWS,),
        basis=basis.value,
        period=period.value,
        first_window=first.index,
        last_window=last.index,
        inputs=tuple(inputs.values()),
    )
    sql = published_values(context.plan, basis, windows, stored(windows), batch=batch)
    try:
        write(context, sql, entry, context.layout(partition_by="window_index", cluster_by=("analysis_id",)))
    except TooBig:
        if len(windows) == 1:
            raise
        middle = len(windows) // 2
        for part in (windows[:middle], windows[middle:]):
            _write(context, basis, period, stored, {window: inputs[window] for window in part})
