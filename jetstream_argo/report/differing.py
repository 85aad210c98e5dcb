"""Says why an estimate of ours is not that of the existing system, as far as a listed difference explains it.

The differences are listed, with their tests, in docs/statistics.md and docs/differences.md. What is listed explains no
more than it can do: a difference of another size, or of another number of the row, stays unexplained.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from jetstream_argo.config.periods import Period
from jetstream_argo.stats.rows import Comparison, Reason

EQUAL = 1e-6
# Statistics whose numbers are drawn at random there, 10,000 times, by their names in rows.
DRAWN = frozenset({"mean", "binomial", "deciles", "population_ratio"})
_DECILES = "deciles"
_MODELS = frozenset({"mean_lm", "mean_lm_noclip", "per_client_dau_impact"})
# In halves of an interval of 95 %, which is 1.96 standard deviations: a bound that is drawn moves by 0.03 of one from
# run to run, so that six times that is more than chance brings in a million estimates; 1e-5 is what finite differences
# do to bounds of uplifts; deciles that are interpolated between order statistics lie up to a quarter of one apart.
MONTE_CARLO = 0.1
_GRADIENT = 1e-4
_INTERPOLATED = 0.15
# A covariate that takes the share r² from a variance moves the point by r standard errors of the unadjusted one; half
# as much again as the wider interval has is 2.9 of them. It never makes an interval wider but for a lost degree of
# freedom.
_BY_COVARIATE = 1.5
_WIDER = 1.05


class Difference(StrEnum):
    """Why two estimates of the same differ."""

    MONTE_CARLO = "drawn at random there, exact here"
    INTERPOLATED = "interpolated between order statistics there"
    GRADIENT = "gradient by finite differences there"
    REASON = "the row says why here"
    FIRST_DAY = "adjusted here, due before there was a covariate there"
    ONE_SIDED = "bounds here alone"
    UNEXPLAINED = "not explained"


@dataclass(frozen=True, slots=True)
class OwnFacts:
    """What our row says beside its numbers."""

    statistic: str
    period: str
    window: str
    comparison: str
    reason: str
    adjusted: bool | None


@dataclass(frozen=True, slots=True)
class Apart:
    """How far an estimate lies from theirs, in halves of their interval; of one without it, relative to their point.

    `bounds` is that of the bound that lies farthest, infinite if only one side has it; with `here_alone` all such are
    ours. `width` is that of our interval in widths of theirs, 0 where one of them has none.
    """

    point: float
    bounds: float
    here_alone: bool = False
    width: float = 1.0

    @property
    def largest(self) -> float:
        """How far the number lies that lies farthest."""
        return max(self.point, self.bounds)


def why_differs(own: OwnFacts, apart: Apart) -> Difference:
    """Return why an estimate lies so far from theirs; what is nearest to hand counts."""
    if own.statistic in DRAWN and apart.largest <= MONTE_CARLO:
        return Difference.MONTE_CARLO
    if own.statistic == _DECILES and apart.largest <= _INTERPOLATED:
        return Difference.INTERPOLATED
    if own.statistic in _MODELS and own.comparison == Comparison.RELATIVE_UPLIFT and apart.largest <= _GRADIENT:
        return Difference.GRADIENT
    if _row_explains(own, apart):
        return Difference.REASON
    is_first_day = (own.period, own.window) == (Period.DAY.value, "1")
    if own.adjusted and is_first_day and 0 < apart.width <= _WIDER and apart.point <= _BY_COVARIATE:
        return Difference.FIRST_DAY
    if math.isinf(apart.bounds) and apart.here_alone and apart.point <= _same_point(own):
        return Difference.ONE_SIDED
    return Difference.UNEXPLAINED


# By the reason of a row, how far its bounds may lie for that; its point is the same all the same.
_ABOUT_BOUNDS: Mapping[str, float] = MappingProxyType({
    Reason.TOO_FEW_UNITS: math.inf,  # none here, or of no width there
    Reason.NO_VARIATION: math.inf,
    Reason.ZERO_BRANCH: math.inf,
    Reason.UNBOUNDED: math.inf,  # such as -1 and 70,863 there
    Reason.OVERFLOW: math.inf,
    Reason.NEGATIVE_REFERENCE: math.inf,  # the other way round there
    Reason.FEW_UNITS: 0.5,  # a law of few values, between which a quantile of draws jumps
    Reason.APPROXIMATE: 0.5,
})  # fmt: skip


def _row_explains(own: OwnFacts, apart: Apart) -> bool:
    if own.reason == Reason.NONFINITE_EXCLUDED:
        return True  # what is infinite is cut there to what nobody can say
    if own.reason == Reason.NO_COVARIATE:
        return apart.width >= 1 / _WIDER and apart.point <= _BY_COVARIATE * apart.width
    return apart.point <= _same_point(own) and apart.bounds <= _ABOUT_BOUNDS.get(own.reason, 0.0)


def _same_point(own: OwnFacts) -> float:
    """Return how far points may lie that are the same."""
    if own.statistic == _DECILES:
        return _INTERPOLATED
    return MONTE_CARLO if own.statistic in DRAWN else EQUAL
