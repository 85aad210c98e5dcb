"""The periods of an analysis: how days since the anchor are cut into windows."""

from enum import StrEnum
from typing import Self


class Period(StrEnum):
    """How days since the anchor are cut into analysis windows: all that has to be known of a period.

    `key` is what configuration files call it, and `suffix` the end of the names of its views, which readers rely on.
    `days` is how long a window is; of one that grows, by how much it does; of the one that lasts as long as the
    experiment, 0. `stage` is the step of a data source that computes its values.
    """

    key: str
    suffix: str
    days: int
    stage: str

    PREENROLLMENT_WEEK = "preenrollment_week", "preenrollment_weekly", "preenrollment_weekly", 7, "pre"
    PREENROLLMENT_DAYS28 = "preenrollment_days28", "preenrollment_days28", "preenrollment_days28", 28, "pre"
    DAY = "day", "daily", "daily", 1, "day"
    WEEK = "week", "weekly", "weekly", 7, "week"
    CUMULATIVE_WEEKLY = "cumulative_weekly", "cumulative_weekly", "cumulative_weekly", 7, "week"
    DAYS28 = "days28", "28_day", "days28", 28, "days28"
    OVERALL = "overall", "overall", "overall", 0, "overall"

    def __new__(cls, value: str, key: str = "", suffix: str = "", days: int = 0, stage: str = "") -> Self:
        """Return the member of this value, which is known by the value alone once it is made."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.key, member.suffix, member.days, member.stage = key, suffix, days, stage
        return member

    @property
    def before_enrollment(self) -> bool:
        """Whether the days lie before the day of enrollment."""
        return self.stage == "pre"

    @property
    def grows(self) -> bool:
        """Whether every window begins on the first day, so that a day lies in several windows."""
        return self is Period.CUMULATIVE_WEEKLY
