"""The date until which the telemetry behind an estimate may still change."""

from collections.abc import Iterator
from datetime import date, timedelta

from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow


def estimates_settle_on(plan: AnalysisPlan, leaf: MetricStatistics, window: AnalysisWindow) -> date:
    """Return from when on all rows are taken to be there that the estimates of `leaf` in `window` were made from."""
    metric = plan.metric(leaf.metric)
    days = [counts_settle_on(plan, leaf.period, window)]
    days += (_values_settle_on(plan, name, window) for name in metric.depends_on or (metric.name,))
    for covariate in (statistic.covariate for statistic in leaf.statistics):
        if covariate is not None:
            days += (
                _values_settle_on(plan, covariate.metric, covariate_window)
                for covariate_window in plan.windows(covariate.period)
            )
    return max(days)


def counts_settle_on(plan: AnalysisPlan, period: Period, window: AnalysisWindow) -> date:
    """Return from when on all rows are taken to be there that say who is enrolled, and exposed in `window`."""
    enrolled = plan.experiment.timeline.last_enrollment + timedelta(days=plan.enrollments.settle_days)
    return max([enrolled, *_signals_settle_on(plan, period, window)])


def _signals_settle_on(plan: AnalysisPlan, period: Period, window: AnalysisWindow) -> Iterator[date]:
    if plan.signal is not None:
        for signal_window in plan.signal.windows:
            if signal_window.period is period and signal_window.index in (0, window.index):
                yield signal_window.last_date + timedelta(days=plan.signal.settle_days)


def _values_settle_on(plan: AnalysisPlan, metric: str, window: AnalysisWindow) -> date:
    _, last = plan.experiment.timeline.dates(window.first_day, window.last_day)
    return last + timedelta(days=plan.source(plan.metric(metric).source).settle_days)
