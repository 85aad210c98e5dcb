"""Compares the means of branches whose variances differ too: Welch's test, CUPED, always-valid bounds."""

from dataclasses import dataclass, replace

from scipy.special import ndtri

from jetstream_argo.stats.comparisons.contrasts import (
    NEEDED,
    Contrast,
    levels,
    reduced,
    regression_adjusted,
    relative,
    welch,
)
from jetstream_argo.stats.comparisons.means import complete_units_of, units_of
from jetstream_argo.stats.draft import Interval, ordered_pairs
from jetstream_argo.stats.moments import JointMoments, Moments
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample

OWN_SLOPES = 3  # units a branch, for a slope and an error


@dataclass(frozen=True, slots=True)
class Options:
    """How pairs are compared: with a slope on the covariate for each branch, or one for both; and with bounds that hold
    at all times together, narrowest at `always_valid_at` units, or (None) at this time."""

    confidence: float
    own_slopes: bool = False
    always_valid_at: int | None = None


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
        """Return the row of a comparison that cannot be computed, or None if it can."""
        if not self.reference.n or not self.branch.n:
            return Interval(reason=Reason.NO_UNITS)
        if min(self.reference.n, self.branch.n) < NEEDED:
            return Interval(point, reason=Reason.TOO_FEW_UNITS)
        if not self.reference.varies and not self.branch.varies:
            return Interval(point, reason=Reason.NO_VARIATION)
        return None


def pairs(sample: Sample) -> tuple[Pair, ...]:
    """Return every reference with every other branch, reduced by the covariate where both can be."""
    named = [(facts.branch, units_of(facts), complete_units_of(facts)) for facts in sample.branches]
    found = []
    for (reference_name, reference, joint_r), (name, branch, joint_b) in ordered_pairs(named):
        names, available = (reference_name, name), reference.n + branch.n
        # Of a covariate that differs between the branches alone the adjustment would be the difference itself.
        if min(joint_r.n, joint_b.n) >= NEEDED and (joint_r.x.varies or joint_b.x.varies):
            found.append(Pair(names, *reduced(joint_r, joint_b), (joint_r, joint_b), available))
        else:
            found.append(Pair(names, reference, branch, None, available))
    return tuple(found)


def with_adjustment(row: EstimateRow, pair: Pair) -> EstimateRow:
    """Return the row of `pair`, which says whether the adjustment was made, and how many units it leaves out."""
    adjusted = pair.joint is not None
    reason = row.reason or (None if adjusted else Reason.NO_COVARIATE)
    return replace(row, adjusted=adjusted, reason=reason, n_without_covariate=pair.available - pair.n)


def difference(pair: Pair, options: Options) -> Interval:
    """Return the difference of means, with Welch's t interval and p-value or the always-valid ones."""
    interval = pair.missing(pair.branch.mean - pair.reference.mean) or _difference_interval(pair, options)
    if pair.joint is None:
        return interval
    reference, branch = _compared_means(pair, options)
    return replace(interval, adjusted_mean=branch, adjusted_reference_mean=reference)


def _difference_interval(pair: Pair, options: Options) -> Interval:
    found = _contrast(pair, options)
    described = found.described(options.confidence)
    if pair.joint is not None:
        plain = welch(pair.joint[0].y, pair.joint[1].y).error if pair.joint[0].m2_y + pair.joint[1].m2_y > 0 else 0.0
        described = replace(described, variance_reduction=1 - (found.error / plain) ** 2 if plain else None)
    if options.always_valid_at is None:
        return described
    lower, upper = _bounds(options, found, pair.n)
    p_value = found.always_valid_p_value(options.confidence, n=pair.n, tuned_for=options.always_valid_at)
    return replace(described, lower=lower, upper=upper, p_value=p_value)


def _contrast(pair: Pair, options: Options) -> Contrast:
    if pair.joint is not None and _with_own_slopes(options, pair.joint):
        return regression_adjusted(*pair.joint)
    return welch(pair.reference, pair.branch)


def _compared_means(pair: Pair, options: Options) -> tuple[float, float]:
    if pair.joint is not None and _with_own_slopes(options, pair.joint):
        return levels(*pair.joint)
    return pair.reference.mean, pair.branch.mean


def _with_own_slopes(options: Options, joint: tuple[JointMoments, JointMoments]) -> bool:
    return options.own_slopes and all(branch.n >= OWN_SLOPES and branch.x.varies for branch in joint)


def relative_uplift(pair: Pair, options: Options) -> Interval:
    """Return the same as a share of the reference's mean, with the normal interval of the delta method."""
    reference, branch = pair.reference, pair.branch
    if reference.n and reference.mean == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    missing = pair.missing(branch.mean / reference.mean - 1 if reference.n else 0.0)
    if missing is not None:
        return missing
    found = relative(reference, branch)
    own_error = (reference.variance / reference.n) ** 0.5
    if float(ndtri((1 + options.confidence) / 2)) * own_error >= abs(reference.mean):
        return Interval(found.point, reason=Reason.UNBOUNDED)
    reason = Reason.NEGATIVE_REFERENCE if reference.mean < 0 else None
    return Interval(found.point, *_bounds(options, found, pair.n), reason)


def _bounds(options: Options, found: Contrast, n: int) -> tuple[float, float]:
    if options.always_valid_at is not None:
        return found.always_valid_interval(options.confidence, n=n, tuned_for=options.always_valid_at)
    return found.interval(options.confidence)


def detectable_effect(pair: Pair, *, confidence: float, power: float) -> Interval:
    """Return the smallest difference of means that is found with the probability `power`, without bounds.

    Source:
        Two-sided z test with unequal variances; the chance to find an effect of the wrong sign is left out.
    """
    missing = pair.missing(0.0)
    if missing is not None:
        return Interval(reason=missing.reason)
    error = welch(pair.reference, pair.branch).error
    return Interval((float(ndtri((1 + confidence) / 2)) + float(ndtri(power))) * error, std_error=error)
