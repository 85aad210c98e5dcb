"""The sufficient statistics that the warehouse hands over: a few numbers a branch instead of its units."""

from dataclasses import dataclass, field
from math import ceil, floor, sqrt
from typing import TYPE_CHECKING, TypeAlias

from jetstream_argo.stats.moments import Covaried, JointPowerSums, Moments, PowerSums, Successes, Total

if TYPE_CHECKING:  # pods that write SQL load no numpy
    import numpy as np
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class ValueCounts:
    """The distinct values, ascending, and how many units have each."""

    values: "Floats"
    counts: "Ints"

    @property
    def n(self) -> int:
        """How many units have a value."""
        return int(self.counts.sum())


class DetailData:
    """What a `DetailNeed` gets of a branch that has many distinct values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, eq=False)
class OrderWindows(DetailData):
    """The order statistics around some quantiles, of `n` values.

    Each element is a run of equal values: its first and last rank, counted from 0, both included; ascending and not
    overlapping. A run may go on outside of the windows asked for.
    """

    n: int
    values: "Floats"
    first_rank: "Ints"
    last_rank: "Ints"


def rank_window(n: int, probability: float, spread: float) -> tuple[int, int]:
    """Return the first and last rank, from 0, that a resampled quantile reaches within `spread` standard deviations.

    The rank is binomial of `n - 1` trials, so its mean is `(n - 1) * probability`.
    """
    mean = (n - 1) * probability
    reach = spread * sqrt(max(n - 1, 0) * probability * (1 - probability)) + 2
    return max(floor(mean - reach), 0), max(min(ceil(mean + reach), n - 1), 0)


@dataclass(frozen=True, slots=True)
class Extremes:
    """The smallest, the largest and the smallest positive of `n` values; `at_most_zero` counts values ≤ 0."""

    n: int
    minimum: float
    maximum: float
    smallest_positive: float | None
    at_most_zero: int


@dataclass(frozen=True, slots=True)
class GridCounts(DetailData):
    """How many values are at most each point of the branch's grid."""

    extremes: Extremes
    cumulative: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bins(DetailData):
    """Values gathered in bins `[index, index + 1) * bandwidth / 4`; bins without values may be left out.

    `moments[b, k]` is the sum over the values of bin b of `((value - middle of the bin) / bandwidth) ** k`, for
    k = 0 … 11 or more.
    """

    extremes: Extremes
    bandwidth: float
    index: "Ints"
    moments: "Floats"


Data: TypeAlias = Total | Successes | Moments | Covaried | PowerSums | JointPowerSums | ValueCounts | DetailData


@dataclass(frozen=True, slots=True)
class BranchFacts:
    """What is known of one branch: `n_rows` units in all, of which `n_null` without a value and `n_nonfinite` with
    NaN or an infinite one; `data` describes the rest and is None where nothing was asked for or there are no rows."""

    branch: str
    n_rows: int
    data: Data | None = None
    n_null: int = 0
    n_nonfinite: int = 0


@dataclass(frozen=True, slots=True)
class Pooled:
    """What is known of all branches together.

    `threshold` and `covariate_threshold` are the values clipped at, for the record; `qbar` is described at
    `JointMomentsNeed`; `integer` says that the column holds whole numbers by type, which rounds a pooled threshold.
    """

    threshold: float | None = None
    covariate_threshold: float | None = None
    qbar: float | None = None
    integer: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of one segment and window: every configured branch, in the plan's order, those without rows too.

    The data are of values divided by `scale`, which is 1 unless these are so large or small that their powers fit no
    float.
    """

    metric: str
    branches: tuple[BranchFacts, ...]
    pooled: Pooled = field(default_factory=Pooled)
    scale: float = 1.0

    @property
    def n_rows(self) -> int:
        """The units of all branches, those without a value too."""
        return sum(branch.n_rows for branch in self.branches)
