"""The analysis windows that are complete by a date, and the days of telemetry that they cover."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from jetstream_argo.config.periods import Period
from jetstream_argo.errors import PlanError


def dates_between(first: date, last: date) -> Iterator[date]:
    """Yield the dates from `first` to `last`, both included; none where `last` is earlier.

    >>> [str(day) for day in dates_between(date(2026, 2, 28), date(2026, 3, 1))]
    ['2026-02-28', '2026-03-01']
    """
    return map(date.fromordinal, range(first.toordinal(), last.toordinal() + 1))


@dataclass(frozen=True, slots=True)
class AnalysisWindow:
    """Days `first_day` to `last_day` since a unit's enrollment (or exposure), both included; `index` counts from 1."""

    index: int
    first_day: int
    last_day: int

    @property
    def days(self) -> int:
        """How many days the window covers."""
        return self.last_day - self.first_day + 1


@dataclass(frozen=True, slots=True)
class Timeline:
    """The dates of an experiment. Units enroll from `start` to `last_enrollment`, both included."""

    start: date
    enrollment_days: int
    end: date | None

    @property
    def last_enrollment(self) -> date:
        """The last date on which units enroll: the existing system counts the enrollment period past its first day."""
        return self.start + timedelta(days=self.enrollment_days)

    @property
    def observation_days(self) -> int | None:
        """How many days every unit can be observed before the end date; None while the experiment is open.

        Raises:
            PlanError: enrollment lasts until the end date or longer.
        """
        if self.end is None:
            return None
        days = (self.end - self.last_enrollment).days
        if days <= 0:
            raise PlanError(
                f"the experiment ends on {self.end}, and its units enroll from {self.start} to {self.last_enrollment}: "
                f"no day is left to observe; correct end_date or enrollment_period"
            )
        return days

    def dates(self, first_day: int, last_day: int) -> tuple[date, date]:
        """Return the first and last date on which some unit is in days `first_day` to `last_day`."""
        return self.start + timedelta(days=first_day), self.last_enrollment + timedelta(days=last_day)


def due_windows(period: Period, timeline: Timeline, *, as_of: date) -> tuple[AnalysisWindow, ...]:
    """Return the windows of `period` that are complete for every unit when telemetry up to `as_of` is there.

    Differs from the existing system, which computes a window on one date only, twice on purpose: every window that
    is complete is returned, so that a missed date is caught up; and pre-enrollment windows are complete as soon as
    enrollment has closed, not a day later, so that the first day's statistics can be adjusted.
    """
    if period.before_enrollment:
        closed = as_of >= timeline.last_enrollment
        return (AnalysisWindow(1, -period.days, -1),) if closed else ()
    if period is Period.OVERALL:
        days = timeline.observation_days
        ended = timeline.end is not None and as_of >= timeline.end
        return (AnalysisWindow(1, 0, days - 1),) if ended and days is not None else ()
    length = period.days
    observed = (as_of - timeline.last_enrollment).days + 1
    return tuple(
        AnalysisWindow(k, 0 if period.grows else (k - 1) * length, k * length - 1)
        for k in range(1, observed // length + 1)
    )
