"""The windows of each metric that are due where the rows of some sources end earlier than others'."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan, Metric, MetricStatistics, PeriodWindows
from jetstream_argo.plan.readiness import ENROLLMENTS, EXPOSURES, Readiness
from jetstream_argo.plan.reads import reads_of
from jetstream_argo.plan.signal import without_windows_beyond
from jetstream_argo.plan.sources import PlannedRead
from jetstream_argo.plan.windows import AnalysisWindow


def limited(plan: AnalysisPlan, readiness: Readiness | None) -> AnalysisPlan:
    """Return the part of `plan` that can be computed from what is there; all of it where nothing is known.

    The plan keeps the dates, as far as they matter to it: of a source that has all that is needed it does not matter
    how much more it has. So two plans are equal if the same can be computed.
    """
    needed = dict(needed_dates(plan))
    known = {source: readiness.last_date(source) for source in needed} if readiness else {}
    dates = {source: min(last, needed[source]) for source, last in known.items() if last is not None}
    if not dates:
        return plan
    made = replace(plan, readiness=Readiness.of(dates))
    made = replace(made, periods=tuple(PeriodWindows(due.period, _of_any(made, due)) for due in made.periods))
    return replace(
        made,
        signal=plan.signal and without_windows_beyond(plan.signal, made.periods),
        sources=tuple(replace(source, reads=_reads(made, source.name)) for source in plan.sources),
    )


def needed_dates(plan: AnalysisPlan) -> Iterator[tuple[str, date]]:
    """Yield each source with the last date of it that a window needs which is due; nothing where none is."""
    timeline = plan.experiment.timeline
    windows = {due.period: due.windows[-1] for due in plan.periods if due.windows}
    lasts = {period: timeline.dates(window.first_day, window.last_day)[1] for period, window in windows.items()}
    if not lasts:
        return
    yield ENROLLMENTS, timeline.last_enrollment
    if plan.signal and plan.signal.windows:
        yield EXPOSURES, max(window.last_date for window in plan.signal.windows)
    for source in plan.sources:
        periods = {period for metric in plan.metrics if metric.source == source.name for period in metric.periods}
        if dates := [lasts[period] for period in lasts if period in periods]:
            yield source.name, max(dates)


def waited_for(plan: AnalysisPlan, readiness: Readiness | None) -> tuple[str, ...]:
    """Return a line for each source of which a window that is due needs more than is there."""
    lines = []
    for source, last in needed_dates(plan):
        newest = readiness.last_date(source) if readiness else None
        if newest is not None and newest < last:
            lines.append(f"{source} of {newest + timedelta(days=1)} is not loaded yet (newest: {newest})")
    return tuple(lines)


def value_windows(plan: AnalysisPlan, metric: Metric, period: Period) -> tuple[AnalysisWindow, ...]:
    """Return the windows of `period` for which the source of `metric` has all rows."""
    return tuple(window for window in plan.windows(period) if _is_there(plan, metric.source, window))


def leaf_windows(plan: AnalysisPlan, leaf: MetricStatistics) -> tuple[AnalysisWindow, ...]:
    """Return the windows in which a metric can be estimated: all that it is made of and adjusted by is there."""
    metric = plan.metric(leaf.metric)
    parts = [plan.metric(name) for name in (metric.depends_on or (metric.name,))]
    covariates = {statistic.covariate.metric for statistic in leaf.statistics if statistic.covariate}
    before = AnalysisWindow(1, -1, -1)  # units are adjusted by days before their enrollment
    if not all(_is_there(plan, plan.metric(name).source, before) for name in sorted(covariates)):
        return ()
    return tuple(
        window for window in plan.windows(leaf.period) if all(_is_there(plan, part.source, window) for part in parts)
    )


def _is_there(plan: AnalysisPlan, source: str, window: AnalysisWindow) -> bool:
    last = plan.readiness.last_date(source) if plan.readiness else None
    return last is None or plan.experiment.timeline.dates(window.first_day, window.last_day)[1] <= last


def _of_any(plan: AnalysisPlan, due: PeriodWindows) -> tuple[AnalysisWindow, ...]:
    """Return the windows that some source has, once it is known who enrolled and who was exposed."""
    assert plan.readiness is not None  # the caller has just set it
    enrolled = plan.readiness.last_date(ENROLLMENTS)
    if enrolled is not None and enrolled < plan.experiment.timeline.last_enrollment:
        return ()
    sources = {metric.source for metric in plan.metrics if metric.source and due.period in metric.periods}
    exposed = {(window.period, window.index): window.last_date for window in plan.signal.windows} if plan.signal else {}
    last = plan.readiness.last_date(EXPOSURES) or date.max
    return tuple(
        window
        for window in due.windows
        if any(_is_there(plan, source, window) for source in sorted(sources))
        and exposed.get((due.period, window.index), date.min) <= last
    )


def _reads(plan: AnalysisPlan, source: str) -> tuple[PlannedRead, ...]:
    metrics = [metric for metric in plan.metrics if metric.source == source]
    periods = [
        PeriodWindows(due.period, tuple(window for window in due.windows if _is_there(plan, source, window)))
        for due in plan.periods
    ]
    return reads_of(metrics, periods, plan.experiment.timeline)
