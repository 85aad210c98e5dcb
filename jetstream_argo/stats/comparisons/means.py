"""The means of branches by themselves, and the moments that comparisons of means take from a sample."""

from math import sqrt

from scipy.special import stdtrit

from jetstream_argo.stats.comparisons.contrasts import NEEDED
from jetstream_argo.stats.draft import Interval, typed
from jetstream_argo.stats.moments import NO_UNITS, Covaried, JointMoments, Moments
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import BranchFacts


def mean_interval(moments: Moments, confidence: float) -> Interval:
    """Return the mean with its t interval; no bounds below two units."""
    if moments.n < NEEDED:
        return Interval(moments.mean, reason=Reason.TOO_FEW_UNITS) if moments.n else Interval(reason=Reason.NO_UNITS)
    error = sqrt(moments.variance / moments.n)
    half = float(stdtrit(moments.n - 1, (1 + confidence) / 2)) * error
    reason = None if moments.varies else Reason.NO_VARIATION
    return Interval(moments.mean, moments.mean - half, moments.mean + half, reason, std_error=error)


def units_of(facts: BranchFacts) -> Moments:
    """Return the moments of all units of a branch that have a value, with a covariate or without."""
    data = typed(facts, Moments, Covaried) or Moments(0, 0.0, 0.0)
    return data.units if isinstance(data, Covaried) else data


def complete_units_of(facts: BranchFacts) -> JointMoments:
    """Return the moments of the units of a branch that have a value and the covariate."""
    data = typed(facts, Moments, Covaried)
    return data.complete if isinstance(data, Covaried) else NO_UNITS
