"""How large the ratio of two metrics' means is in each branch, and how it differs, by the delta method."""

from math import isfinite

from scipy.special import ndtri

from jetstream_argo.stats.contrasts import ratio_alone, ratio_of_means, relative_ratio_of_means
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.methods.linear_model_mean import NEEDED, NOTHING
from jetstream_argo.stats.moments import JointMoments, JointPowerSums
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.params import RatioDelta
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts, PairCounts, Sample


def ratio_delta(params: RatioDelta, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's ratio of means, then for every pair the difference and the relative uplift.

    Numerators and denominators are clipped as `population_ratio` clips them. The intervals of ratios and differences
    are by the t law, those of relative uplifts by the normal law. Two units a branch are needed, a denominator whose
    mean is not 0, and for a relative uplift a reference that is clearly not 0.

    Raises:
        EstimateError: the sample holds neither `JointPowerSums` nor `PairCounts`.

    Source:
        Deng, Knoblich, Lu (2018), KDD, arXiv:1803.06336.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    clip = params.need().clip
    branches = [(facts.branch, _moments(facts, clip)) for facts in sample.branches]
    rows = [draft.of_branch(name, one.n, _own(params, one)) for name, one in branches]
    for (reference_name, reference), (name, one) in ordered_pairs(branches):
        pair, n = (reference_name, name), reference.n + one.n
        rows.append(draft.of_pair(pair, n, Comparison.DIFFERENCE, _difference(params, reference, one)))
        rows.append(draft.of_pair(pair, n, Comparison.RELATIVE_UPLIFT, _relative(params, reference, one)))
    return tuple(rows)


def _moments(facts: BranchFacts, clip: ClipRule | None) -> JointMoments:
    data = typed(facts, JointPowerSums, PairCounts)
    if isinstance(data, PairCounts):
        from jetstream_argo.stats.reduce import joint_power_sums

        data = joint_power_sums(data, clip, order=2)
    if data is None or not data.n:
        return NOTHING
    (_, _, m2_x), (_, c_xy, *_), (m2_y, *_) = (row[:3] for row in data.central[:3])
    return JointMoments(data.n, data.mean_numerator, data.mean_denominator, m2_y, m2_x, c_xy)


def _missing(*branches: JointMoments) -> Interval | None:
    if not all(one.n for one in branches):
        return Interval(reason=Reason.NO_UNITS)
    if not all(isfinite(one.m2_x) and isfinite(one.m2_y) for one in branches):
        return Interval(reason=Reason.OVERFLOW)
    if any(one.mean_x == 0 for one in branches):
        return Interval(reason=Reason.ZERO_DENOMINATOR)
    if min(one.n for one in branches) < NEEDED:
        return Interval(reason=Reason.TOO_FEW_UNITS)
    if not any(ratio_alone(one).error for one in branches):
        return Interval(reason=Reason.NO_VARIATION)
    return None


def _point(one: JointMoments) -> float | None:
    return one.mean_y / one.mean_x if one.n and one.mean_x else None


def _own(params: RatioDelta, one: JointMoments) -> Interval:
    missing = _missing(one)
    if missing is not None:
        return Interval(_point(one), reason=missing.reason)
    found = ratio_alone(one)
    return Interval(found.point, *found.interval(params.confidence_interval), std_error=found.error)


def _difference(params: RatioDelta, reference: JointMoments, branch: JointMoments) -> Interval:
    missing = _missing(reference, branch)
    if missing is None:
        return ratio_of_means(reference, branch).described(params.confidence_interval)
    of, own = _point(reference), _point(branch)
    return Interval(None if of is None or own is None else own - of, reason=missing.reason)


def _relative(params: RatioDelta, reference: JointMoments, branch: JointMoments) -> Interval:
    of, own = _point(reference), _point(branch)
    if of == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    missing = _missing(reference, branch)
    if missing is not None:
        return Interval(None if of is None or own is None else own / of - 1, reason=missing.reason)
    found, alone = relative_ratio_of_means(reference, branch), ratio_alone(reference)
    if float(ndtri((1 + params.confidence_interval) / 2)) * alone.error >= abs(alone.point):
        return Interval(found.point, reason=Reason.UNBOUNDED)
    reason = Reason.NEGATIVE_REFERENCE if alone.point < 0 else None
    return Interval(found.point, *found.interval(params.confidence_interval), reason)
