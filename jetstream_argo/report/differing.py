"""Says why an estimate of ours is not that of the existing system, as far as a listed difference explains it.

The differences are listed, with their tests, in docs/statistics.md and docs/differences.md.
"""

from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.config.periods import Period
from jetstream_argo.stats.rows import Comparison

# Statistics whose numbers are drawn at random there, 10,000 times, by their names in rows.
DRAWN = frozenset({"mean", "binomial", "deciles", "population_ratio"})
_MODELS = frozenset({"mean_lm", "mean_lm_noclip", "per_client_dau_impact"})
# In halves of an interval of 95 %, which is 1.96 standard deviations: a bound that is drawn moves by 0.03 of one from
# run to run, so that six times that is more than chance brings in a million estimates; 1e-5 is what finite differences
# do to bounds of uplifts; deciles that are interpolated between order statistics lie up to a quarter of one apart.
MONTE_CARLO = 0.1
_GRADIENT = 1e-4
_INTERPOLATED = 0.15


class Difference(StrEnum):
    """Why two estimates of the same differ."""

    MONTE_CARLO = "drawn at random there, exact here"
    INTERPOLATED = "interpolated between order statistics there"
    GRADIENT = "gradient by finite differences there"
    REASON = "the row says why here"
    FIRST_DAY = "adjusted here, due before there was a covariate there"
    ONE_SIDED = "a bound on one side alone"
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


def why_differs(own: OwnFacts, distance: float) -> Difference:
    """Return why an estimate lies so far from theirs, in halves of its interval; what is nearest to hand counts."""
    if own.statistic in DRAWN and distance <= MONTE_CARLO:
        return Difference.MONTE_CARLO
    if own.statistic == "deciles" and distance <= _INTERPOLATED:
        return Difference.INTERPOLATED
    if own.statistic in _MODELS and own.comparison == Comparison.RELATIVE_UPLIFT and distance <= _GRADIENT:
        return Difference.GRADIENT
    if own.reason:
        return Difference.REASON
    if own.adjusted and (own.period, own.window) == (Period.DAY.value, "1"):
        return Difference.FIRST_DAY
    return Difference.ONE_SIDED if distance == float("inf") else Difference.UNEXPLAINED
