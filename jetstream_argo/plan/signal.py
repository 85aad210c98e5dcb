"""The dates on which an exposure signal is looked for, per analysis window."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import assert_never

from jetstream_argo.config.model import ExperimentConfig, ExposureSignal, SignalBound
from jetstream_argo.plan.codec import digest
from jetstream_argo.plan.model import PeriodWindows
from jetstream_argo.plan.population import Signal, SignalWindow
from jetstream_argo.plan.sources import Merge, Partial
from jetstream_argo.plan.windows import AnalysisWindow, Timeline


def signal_of(settings: ExperimentConfig, timeline: Timeline, periods: tuple[PeriodWindows, ...]) -> Signal | None:
    """Return the experiment's exposure signal with the dates that every due window needs; None if it has none.

    The dates are those of the existing system: bounds count from the first enrollment date, an analysis window's
    bounds are moved by the enrollment period so that they fit the last unit, and a window without an end, or with
    end 0, lasts until the last enrollment date.
    """
    signal = settings.exposure_signal
    if signal is None:
        return None
    windows = tuple(_window(signal, due, window, timeline) for due in periods for window in due.windows)
    source = signal.data_source
    return Signal(
        name=signal.name,
        from_expression=(
            f"(SELECT {source.id_column} AS analysis_id, {source.date_column} AS submission_date "
            f"FROM {source.from_expression}{' AS ds' if source.own_name else ''} WHERE {signal.select_expression}\n)"
        ),
        id_column="analysis_id",
        date_column="submission_date",
        partial=Partial("p_" + digest(signal_key(settings)), "COUNT(ds.submission_date)", Merge.SUM),
        settle_days=source.settle_days,
        first_date=min((window.first_date for window in windows), default=timeline.start),
        last_date=max((window.last_date for window in windows), default=timeline.start),
        windows=windows,
        key=signal_key(settings),
    )


def without_windows_beyond(signal: Signal, periods: Collection[PeriodWindows]) -> Signal:
    """Return the signal with the dates that the windows of `periods` need, which are some of its own."""
    kept = {(due.period, window.index) for due in periods for window in due.windows}
    windows = tuple(window for window in signal.windows if (window.period, window.index) in kept)
    if not windows:
        return replace(signal, last_date=signal.first_date, windows=())
    first, last = min(window.first_date for window in windows), max(window.last_date for window in windows)
    return replace(signal, first_date=first, last_date=last, windows=windows)


def signal_key(settings: ExperimentConfig) -> str:
    """Return a hash of everything that decides which units a signal exposes; empty without a signal."""
    signal = settings.exposure_signal
    if signal is None:
        return ""
    source = signal.data_source
    rows = [source.from_expression, source.id_column, source.date_column, signal.select_expression]
    return digest(rows, signal.window_start, signal.window_end)


def _window(signal: ExposureSignal, due: PeriodWindows, window: AnalysisWindow, timeline: Timeline) -> SignalWindow:
    first = _days(signal.window_start, window, timeline)
    last = _days(signal.window_end, window, timeline)
    start = timeline.start if last else timeline.last_enrollment
    # Later telemetry may not be there yet on the day on which the window is due.
    seen = max(timeline.last_enrollment, timeline.dates(window.first_day, window.last_day)[1])
    return SignalWindow(
        due.period, window.index, timeline.start + timedelta(days=first), min(start + timedelta(days=last), seen)
    )


def _days(bound: int | SignalBound | None, window: AnalysisWindow, timeline: Timeline) -> int:
    match bound:
        case None:
            return 0
        case SignalBound.ENROLLMENT_START:
            return 0
        case SignalBound.ENROLLMENT_END:
            return timeline.enrollment_days
        case SignalBound.ANALYSIS_WINDOW_START:
            return window.first_day + timeline.enrollment_days
        case SignalBound.ANALYSIS_WINDOW_END:
            return window.last_day + timeline.enrollment_days
        case int():
            return bound
        case _:
            assert_never(bound)
