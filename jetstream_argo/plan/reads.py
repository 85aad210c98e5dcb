"""The dates of a data source that are read into partial columns, each date once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import Metric, PeriodWindows
from jetstream_argo.plan.ranges import ranges
from jetstream_argo.plan.sources import Composed, PlannedRead
from jetstream_argo.plan.windows import Timeline


def reads_of(
    metrics: Sequence[Metric], periods: Sequence[PeriodWindows], timeline: Timeline
) -> tuple[PlannedRead, ...]:
    """Return the dates of one source to read, in order and without overlap.

    A date is read when a window that is due needs it, and then into every column that any window will ever need of
    it, so that a later window never reads it again.
    """
    due = {due_period.period: due_period.windows for due_period in periods}
    needed: list[tuple[date, date]] = []
    columns: list[tuple[date, date, tuple[str, ...]]] = []
    before = False
    for metric in metrics:
        if not isinstance(metric.computation, Composed):
            continue
        for period in metric.periods:
            if windows := due.get(period, ()):
                needed.append(timeline.dates(windows[0].first_day, windows[-1].last_day))
                before = before or period.before_enrollment
            columns.append((*_ever_needed(period, timeline), metric.computation.partials))
    dates = sorted({day for first, last in needed for day in _dates(first, last)})
    days = [_Day(day, _columns_on(day, columns), before and day < timeline.last_enrollment) for day in dates]
    return tuple(
        PlannedRead(read[0].date, read[-1].date, read[0].columns, read[0].before_enrollment)
        for read in ranges(days, follows=_is_read_with)
    )


@dataclass(frozen=True, slots=True)
class _Day:
    date: date
    columns: tuple[str, ...]
    before_enrollment: bool


def _is_read_with(before: _Day, day: _Day) -> bool:
    """Whether a day follows another, and is read into the same columns."""
    return day == replace(before, date=before.date + timedelta(days=1))


def _ever_needed(period: Period, timeline: Timeline) -> tuple[date, date]:
    """Return the first and last date that any window of `period`, due or not yet, will read."""
    if period.before_enrollment:
        return timeline.dates(-period.days, -1)
    return timeline.start, date.max


def _dates(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _columns_on(day: date, columns: Sequence[tuple[date, date, tuple[str, ...]]]) -> tuple[str, ...]:
    return tuple(sorted({name for first, last, names in columns if first <= day <= last for name in names}))
