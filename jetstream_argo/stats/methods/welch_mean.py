"""By how much the branches' means differ where their variances do too: Welch's test, CUPED, always-valid bounds."""

from dataclasses import dataclass, replace

from scipy.special import ndtri

from jetstream_argo.stats.contrasts import Contrast, levels, reduced, regression_adjusted, relative, welch
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.methods.linear_model_mean import NEEDED, NOTHING, mean_interval, units_of
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments
from jetstream_argo.stats.params import MinimumDetectableEffect, WelchMean
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts, Sample

OWN_SLOPES = 3  # units a branch, for a slope and an error


@dataclass(frozen=True, slots=True)
class Pair:
    """Two branches to compare: their names, their units as they are adjusted, and as they would be without.

    `joint` is None where nothing is adjusted. `available` counts the units of both with a value, those that lack the
    covariate too.
    """

    names: tuple[str, str]
    reference: Moments
    branch: Moments
    joint: tuple[JointMoments, JointMoments] | None
    available: int

    @property
    def n(self) -> int:
        """The units of both."""
        return self.reference.n + self.branch.n

    def missing(self, point: float) -> Interval | None:
        """Return what can be said of a comparison that cannot be had, or None."""
        if not self.reference.n or not self.branch.n:
            return Interval(reason=Reason.NO_UNITS)
        if min(self.reference.n, self.branch.n) < NEEDED:
            return Interval(point, reason=Reason.TOO_FEW_UNITS)
        if not self.reference.varies and not self.branch.varies:
            return Interval(point, reason=Reason.NO_VARIATION)
        return None


def welch_mean(params: WelchMean, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's mean with its t interval, then for every pair the difference and the relative uplift.

    Differences have Welch's t interval and p-value, or the always-valid ones; relative uplifts the normal interval of
    the delta method. With a covariate each pair is compared by CUPED, over the units that have it; the individual
    means are of all units, and those that an adjusted difference compares stand beside it. Two units a branch are
    needed, and values that vary; where fewer have a covariate that varies, the comparison is unadjusted and says so.

    Raises:
        EstimateError: the sample holds neither `Moments` nor `Covaried`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    rows = []
    for facts in sample.branches:
        own = units_of(facts)
        row = draft.of_branch(facts.branch, own.n, mean_interval(own, params.confidence_interval))
        rows.append(row if params.covariate_adjustment is None else replace(row, n_without_covariate=0))
    for pair in pairs(sample):
        for comparison, compare in ((Comparison.DIFFERENCE, _difference), (Comparison.RELATIVE_UPLIFT, _relative)):
            row = draft.of_pair(pair.names, pair.n, comparison, compare(params, pair))
            rows.append(said(params, row, pair))
    return tuple(rows)


def pairs(sample: Sample) -> tuple[Pair, ...]:
    """Return every reference with every other branch, reduced by the covariate where both can be."""
    named = [(facts.branch, units_of(facts), _complete(facts)) for facts in sample.branches]
    found = []
    for (reference_name, reference, joint_r), (name, branch, joint_b) in ordered_pairs(named):
        names, available = (reference_name, name), reference.n + branch.n
        # Of a covariate that differs between the branches alone the adjustment would be the difference itself.
        if min(joint_r.n, joint_b.n) >= NEEDED and (joint_r.x.varies or joint_b.x.varies):
            found.append(Pair(names, *reduced(joint_r, joint_b), (joint_r, joint_b), available))
        else:
            found.append(Pair(names, reference, branch, None, available))
    return tuple(found)


def said(params: WelchMean | MinimumDetectableEffect, row: EstimateRow, pair: Pair) -> EstimateRow:
    """Return the row of `pair`, which says whether the adjustment that was asked for was made, and without whom."""
    if params.covariate_adjustment is None:
        return row
    adjusted = pair.joint is not None
    reason = row.reason or (None if adjusted else Reason.NO_COVARIATE)
    return replace(row, adjusted=adjusted, reason=reason, n_without_covariate=pair.available - pair.n)


def _complete(facts: BranchFacts) -> JointMoments:
    data = typed(facts, Moments, Covaried)
    return data.complete if isinstance(data, Covaried) else NOTHING


def _difference(params: WelchMean, pair: Pair) -> Interval:
    interval = pair.missing(pair.branch.mean - pair.reference.mean) or _difference_interval(params, pair)
    if pair.joint is None:
        return interval
    reference, branch = _compared_means(params, pair)
    return replace(interval, adjusted_mean=branch, adjusted_reference_mean=reference)


def _difference_interval(params: WelchMean, pair: Pair) -> Interval:
    found = _contrast(params, pair)
    described = found.described(params.confidence_interval)
    if pair.joint is not None:
        plain = welch(pair.joint[0].y, pair.joint[1].y).error if pair.joint[0].m2_y + pair.joint[1].m2_y > 0 else 0.0
        described = replace(described, variance_reduction=1 - (found.error / plain) ** 2 if plain else None)
    if not params.always_valid:
        return described
    lower, upper = _bounds(params, found, pair.n)
    p_value = found.always_valid_p_value(params.confidence_interval, n=pair.n, tuned_for=params.tuned_for)
    return replace(described, lower=lower, upper=upper, p_value=p_value)


def _contrast(params: WelchMean, pair: Pair) -> Contrast:
    if pair.joint is not None and _with_own_slopes(params, pair.joint):
        return regression_adjusted(*pair.joint)
    return welch(pair.reference, pair.branch)


def _compared_means(params: WelchMean, pair: Pair) -> tuple[float, float]:
    if pair.joint is not None and _with_own_slopes(params, pair.joint):
        return levels(*pair.joint)
    return pair.reference.mean, pair.branch.mean


def _with_own_slopes(params: WelchMean, joint: tuple[JointMoments, JointMoments]) -> bool:
    return params.own_slopes and all(one.n >= OWN_SLOPES and one.x.varies for one in joint)


def _relative(params: WelchMean, pair: Pair) -> Interval:
    reference, branch = pair.reference, pair.branch
    if reference.n and reference.mean == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    missing = pair.missing(branch.mean / reference.mean - 1 if reference.n else 0.0)
    if missing is not None:
        return missing
    found = relative(reference, branch)
    own_error = (reference.variance / reference.n) ** 0.5
    if float(ndtri((1 + params.confidence_interval) / 2)) * own_error >= abs(reference.mean):
        return Interval(found.point, reason=Reason.UNBOUNDED)
    reason = Reason.NEGATIVE_REFERENCE if reference.mean < 0 else None
    return Interval(found.point, *_bounds(params, found, pair.n), reason)


def _bounds(params: WelchMean, found: Contrast, n: int) -> tuple[float, float]:
    if params.always_valid:
        return found.always_valid_interval(params.confidence_interval, n=n, tuned_for=params.tuned_for)
    return found.interval(params.confidence_interval)
