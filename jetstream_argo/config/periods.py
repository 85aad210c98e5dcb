"""The periods of an analysis: how days since the anchor are cut into windows."""

from enum import StrEnum
from typing import Self

WEEK_DAYS = 7


class Period(StrEnum):
    """How days since the anchor are cut into analysis windows: all that has to be known of a period.

    `key` is what configuration files call it, `suffix` the end of the names of its views, which readers rely on, and
    `heading` what the result page calls it. `days` is how long a window is; of one that grows, by how much it does; of
    the one that lasts as long as the experiment, 0. `stage` is the step of a data source that computes its values.
    """

    key: str
    suffix: str
    days: int
    stage: str
    heading: str
    grows: bool  # every window begins on the first day, so that a day lies in several windows

    PREENROLLMENT_WEEK = (
        "preenrollment_week", "preenrollment_weekly", "preenrollment_weekly", 7, "pre", "Week before enrollment",
    )  # fmt: skip
    PREENROLLMENT_DAYS28 = (
        "preenrollment_days28", "preenrollment_days28", "preenrollment_days28", 28, "pre", "28 days before enrollment",
    )  # fmt: skip
    DAY = "day", "daily", "daily", 1, "day", "Per day"
    WEEK = "week", "weekly", "weekly", 7, "week", "Per week"
    CUMULATIVE_WEEKLY = "cumulative_weekly", "cumulative_weekly", "cumulative_weekly", 7, "week", "Cumulative", True
    DAYS28 = "days28", "28_day", "days28", 28, "days28", "Per 28 days"
    OVERALL = "overall", "overall", "overall", 0, "overall", "Overall"

    def __new__(
        cls,
        value: str,
        key: str = "",
        suffix: str = "",
        days: int = 0,
        stage: str = "",
        heading: str = "",
        grows: bool = False,  # as members are written
    ) -> Self:
        """Return the member of this value, which is known by the value alone once it is made."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.key, member.suffix, member.days, member.stage = key, suffix, days, stage
        member.heading, member.grows = heading, grows
        return member

    @property
    def before_enrollment(self) -> bool:
        """Whether the days lie before the day of enrollment."""
        return self.stage == "pre"

    @property
    def length(self) -> str:
        """How long a window is, or by how much it grows, for people.

        >>> Period.DAY.length, Period.CUMULATIVE_WEEKLY.length, Period.DAYS28.length
        ('day', 'week', '28 days')
        """
        return {1: "day", 7: "week"}.get(self.days, f"{self.days} days")


def by_extent() -> tuple[Period, ...]:
    """Return the periods in the order in which one speaks for a metric before another: those of more days first."""

    def extent(period: Period) -> tuple[bool, bool, bool, int]:
        return period.before_enrollment, period.days > 0, not period.grows, -period.days

    return tuple(sorted(Period, key=extent))


def along_time() -> tuple[Period, ...]:
    """Return the periods of several windows in the order in which people look at them: weeks before all others."""
    several = [period for period in Period if period.days and not period.before_enrollment]
    return tuple(sorted(several, key=lambda period: (not period.grows, period.days != WEEK_DAYS)))
