"""Forecasts the windows of metrics that need all rows at once, and the dates that these are read from."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.due import value_windows
from jetstream_argo.plan.model import Metric
from jetstream_argo.plan.ranges import contiguous
from jetstream_argo.plan.sources import Direct, Source
from jetstream_argo.plan.windows import AnalysisWindow, dates_between
from jetstream_argo.run.context import Context
from jetstream_argo.run.partials import rows_of
from jetstream_argo.run.reading import Wanted, due
from jetstream_argo.run.values import bases_of
from jetstream_argo.sql.exposed import is_as_enrolled
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import nobody
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.store.coverage import ANYBODY


@dataclass(frozen=True, slots=True)
class DirectReading:
    """Dates, both included, from which windows are computed directly, on so many bases; `sql` reads them for one."""

    first_date: date
    last_date: date
    bases: int
    sql: Sql


def direct_readings(context: Context, source: Source, metrics: Sequence[Metric]) -> Iterator[DirectReading]:
    """Yield, for windows that follow one another, what is read for those of `metrics` that are computed directly."""
    direct = [metric for metric in metrics if isinstance(metric.computation, Direct)]
    for period in Period:
        due_now = [metric for metric in direct if period in metric.periods]
        changed = _changed(context, source, period) if due_now else frozenset()
        stale = {metric.name: _stale(context, metric, period, changed) for metric in due_now}
        windows = [
            window
            for window in context.plan.windows(period)
            if any(window in stale_windows for stale_windows in stale.values())
        ]
        for run in contiguous(windows):
            wanted = [metric for metric in due_now if not stale[metric.name].isdisjoint(run)]
            bases = dict.fromkeys(basis for metric in wanted for basis in _bases_read_for(context, metric, period))
            grid = WindowGrid(Basis.ENROLLMENTS, period, run, nobody())
            first, last = context.plan.experiment.timeline.dates(run[0].first_day, run[-1].last_day)
            sql = direct_query(context.plan, source, wanted, grid, batch=0)
            yield DirectReading(first, last, len(bases), sql)


def _changed(context: Context, source: Source, period: Period) -> frozenset[date]:
    """Return the dates of which the rows are not those that were last seen."""
    windows = context.plan.windows(period)
    if not windows:
        return frozenset()
    first, last = context.plan.experiment.timeline.dates(windows[0].first_day, windows[-1].last_day)
    found = due(context, rows_of(context, source), [Wanted(first, last, (source.key,))], (ANYBODY,))
    return frozenset(day for reading in found.readings for day in dates_between(reading.first_date, reading.last_date))


def _bases_read_for(context: Context, metric: Metric, period: Period) -> tuple[Basis, ...]:
    """Return the bases whose values are computed from telemetry, and not from the values of another basis."""
    return tuple(basis for basis in bases_of(metric, period) if not is_as_enrolled(context.plan, metric, basis))


def _stale(context: Context, metric: Metric, period: Period, changed: frozenset[date]) -> frozenset[AnalysisWindow]:
    """Return the windows whose values are not there, or would be others now."""
    currency, windows = context.currency(), value_windows(context.plan, metric, period)
    found: set[AnalysisWindow] = set()
    for basis in _bases_read_for(context, metric, period):
        current = currency.current_windows(metric, basis, period, windows)
        for window in windows:
            first, last = context.plan.experiment.timeline.dates(window.first_day, window.last_day)
            if window.index not in current or any(first <= day <= last for day in changed):
                found.add(window)
    return frozenset(found)
