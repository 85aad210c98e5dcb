"""Finds the stored values of all enrolled units from which those of exposed units can be taken."""

from collections.abc import Sequence
from dataclasses import replace

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.sql.exposed import is_as_enrolled
from jetstream_argo.sql.slices import WindowSlice


def values_of_enrolled(
    context: Context, table: str, metrics: Sequence[Metric], period: Period, windows: Sequence[AnalysisWindow]
) -> tuple[WindowSlice, ...]:
    """Return where the values of `metrics` are in `table`, of all enrolled units, if exposed ones have the same.

    Nothing where some are not there as they would be now, or not where the others are.
    """
    if not all(is_as_enrolled(context.plan, metric, Basis.EXPOSURES) for metric in metrics):
        return ()
    currency, found = context.currency(), set()
    for metric in metrics:
        current = currency.current_windows(metric, Basis.ENROLLMENTS, period, windows)
        if any(window.index not in current for window in windows):
            return ()
        slices = context.ledger.window_slices(table, metric.column, windows)
        found.add(tuple(replace(part, columns=()) for part in slices))
    return found.pop() if len(found) == 1 else ()
