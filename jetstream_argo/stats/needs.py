"""The sufficient statistics that a statistic asks for, as data that the SQL is written from.

Each need names the type of `moments` or `sufficient` that satisfies it. Unless said otherwise a need is per branch,
over the units whose value is neither NULL nor NaN nor infinite, after pre-treatments. Where `ValueCounts` will do as
well, they are of unclipped values.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class ClipScope(StrEnum):
    """Over which units the quantile is taken at which values are clipped."""

    POOLED = "pooled"  # all branches together; rounded up to a whole number for an integer column
    PER_BRANCH = "per_branch"  # each branch its own; never rounded


@dataclass(frozen=True, slots=True)
class ClipRule:
    """Replace values above the `1 - drop_highest` quantile (linear interpolation) by that quantile; drop nothing."""

    drop_highest: float
    scope: ClipScope

    @property
    def probability(self) -> float:
        """The probability of the quantile."""
        return 1.0 - self.drop_highest


@dataclass(frozen=True, slots=True)
class Adjustment:
    """What a comparison is adjusted by: a metric, measured in a period before enrollment."""

    metric: str
    period: str


@dataclass(frozen=True, slots=True)
class CountNeed:
    """`BranchFacts` without data: `n_rows` is the statistic."""


@dataclass(frozen=True, slots=True)
class SumNeed:
    """`Total`."""


@dataclass(frozen=True, slots=True)
class ProportionNeed:
    """`Successes` of a column of 0, 1, true, false."""


@dataclass(frozen=True, slots=True)
class MomentsNeed:
    """`Moments` of the values, clipped by `clip` if there is one."""

    clip: ClipRule | None


@dataclass(frozen=True, slots=True)
class JointMomentsNeed:
    """`Covaried`: moments of all units, and joint ones of those that have the covariate too; `Pooled.qbar`.

    Both thresholds are taken over all units that have the value concerned, before units without a covariate go.
    `qbar` is the mean of the 10,000 quantiles 0, 0.0001, …, 0.9999 (linear interpolation) of the clipped covariate
    over the units of all branches that have both values.
    """

    clip: ClipRule | None
    covariate: Adjustment


class DetailNeed:
    """A need that a query of its own serves, where a branch has many distinct values; else `ValueCounts` serve it.

    What is asked and answered is a line in `estimating.details`; no other module knows the needs of this kind by name.
    A need of a single statistic stands beside it, as does its `sufficient.DetailData`.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class OrderStatisticsNeed(DetailNeed):
    """`OrderWindows` or `ValueCounts`: the values of the ranks that `sufficient.rank_window` names for each
    probability, `spread` standard deviations to both sides."""

    probabilities: tuple[float, ...]
    spread: float = 8.0


@dataclass(frozen=True, slots=True)
class PowerSumsNeed:
    """`PowerSums` to the 8th power, or `ValueCounts`, which is exact for heavy tails and few units; of values clipped
    by `clip` if there is one. A `ValueCounts` is of unclipped values."""

    clip: ClipRule | None


@dataclass(frozen=True, slots=True)
class RatioNeed:
    """`JointPowerSums` of two metrics, over units where neither is NULL, each clipped at its own quantile."""

    numerator: str
    denominator: str
    clip: ClipRule | None


@dataclass(frozen=True, slots=True)
class GridNeed(DetailNeed):
    """`GridCounts` on the points that `laws.grids.grid` makes from each branch's extremes; or `ValueCounts`."""

    grid_size: int
    log_space: bool


@dataclass(frozen=True, slots=True)
class DensityNeed(DetailNeed):
    """`Bins` a quarter of the bandwidth wide (`laws.kernels.bandwidth` says which from `n` and the standard deviation),
    and each branch's extremes; or `ValueCounts`."""

    grid_size: int
    log_space: bool
    bandwidth: str | float


Need: TypeAlias = (
    CountNeed | SumNeed | ProportionNeed | MomentsNeed | JointMomentsNeed | PowerSumsNeed | RatioNeed | DetailNeed
)
