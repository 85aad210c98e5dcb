"""The units that do not count in an experiment's results, as its files say it."""

from dataclasses import dataclass
from enum import StrEnum


class SeveralBranches(StrEnum):
    """What becomes of a unit that is in several branches."""

    KEEP = "keep"  # it counts in each of them, as in the existing system
    DROP = "drop"  # it counts in none
    FIRST = "first"  # it counts where it enrolled first, if that can be told


# Above this share of units in several branches the assignment is not what it should be.
SEVERAL_ALARM = 0.01


@dataclass(frozen=True, slots=True)
class ExclusionRule:
    """Units that do not count: those that meet a condition.

    `condition` is about a row `e` of the enrollments; or else `select_expression`, an aggregate, is about the rows of
    the segment data source `data_source`. `post_treatment` says that these reach the day of enrollment or later days,
    so that the experiment may decide about it.
    """

    name: str
    condition: str = ""
    data_source: str = ""
    select_expression: str = ""
    post_treatment: bool = False


@dataclass(frozen=True, slots=True)
class ExclusionRules:
    """All of them. `several_alarm` is the share of units in several branches above which there is an alarm."""

    several_branches: SeveralBranches = SeveralBranches.KEEP
    several_alarm: float = SEVERAL_ALARM
    named: tuple[ExclusionRule, ...] = ()
