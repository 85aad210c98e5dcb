"""The ratio of two metrics' means in each branch and how it compares, by the delta method."""

from math import isfinite

from scipy.special import ndtri

from jetstream_argo.stats.comparisons.contrasts import NEEDED, ratio_alone, ratio_of_means, relative_ratio_of_means
from jetstream_argo.stats.draft import Interval, typed
from jetstream_argo.stats.moments import NO_UNITS, JointMoments, JointPowerSums
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import BranchFacts


def joint_moments(facts: BranchFacts) -> JointMoments:
    """Return the branch's moments.

    Raises:
        EstimateError: the branch does not have `JointPowerSums`.
    """
    sums = typed(facts, JointPowerSums)
    if sums is None or not sums.n:
        return NO_UNITS
    (_, _, m2_x), (_, c_xy, *_), (m2_y, *_) = (row[:3] for row in sums.central[:3])
    return JointMoments(sums.n, sums.mean_numerator, sums.mean_denominator, m2_y, m2_x, c_xy)


def own_ratio(moments: JointMoments, confidence: float) -> Interval:
    """Return a branch's ratio of means."""
    missing = _missing(moments)
    if missing is not None:
        return Interval(_point(moments), reason=missing.reason)
    found = ratio_alone(moments)
    return Interval(found.point, *found.interval(confidence), std_error=found.error)


def difference(reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
    """Return by how much the branch's ratio is larger than the reference's, with a t interval."""
    missing = _missing(reference, branch)
    if missing is None:
        return ratio_of_means(reference, branch).described(confidence)
    base, own = _point(reference), _point(branch)
    return Interval(None if base is None or own is None else own - base, reason=missing.reason)


def relative_uplift(reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
    """Return the same as a share of the reference's ratio, with a normal interval."""
    base, own = _point(reference), _point(branch)
    if base == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    missing = _missing(reference, branch)
    if missing is not None:
        return Interval(None if base is None or own is None else own / base - 1, reason=missing.reason)
    found, alone = relative_ratio_of_means(reference, branch), ratio_alone(reference)
    if float(ndtri((1 + confidence) / 2)) * alone.error >= abs(alone.point):
        return Interval(found.point, reason=Reason.UNBOUNDED)
    reason = Reason.NEGATIVE_REFERENCE if alone.point < 0 else None
    return Interval(found.point, *found.interval(confidence), reason)


def _missing(*branches: JointMoments) -> Interval | None:
    if not all(branch.n for branch in branches):
        return Interval(reason=Reason.NO_UNITS)
    if not all(isfinite(branch.m2_x) and isfinite(branch.m2_y) for branch in branches):
        return Interval(reason=Reason.OVERFLOW)
    if any(branch.mean_x == 0 for branch in branches):
        return Interval(reason=Reason.ZERO_DENOMINATOR)
    if min(branch.n for branch in branches) < NEEDED:
        return Interval(reason=Reason.TOO_FEW_UNITS)
    if not any(ratio_alone(branch).error for branch in branches):
        return Interval(reason=Reason.NO_VARIATION)
    return None


def _point(moments: JointMoments) -> float | None:
    return moments.mean_y / moments.mean_x if moments.n and moments.mean_x else None
