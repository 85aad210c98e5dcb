"""Compares the branches' means by least squares, from centred sums.

With a dummy for each branch the regression `y ~ branch [+ x]` separates: by Frisch, Waugh and Lovell the slope on x is
that of the values centred within their branches, and everything else follows from each branch's means. So sums about
the branch means are all that is needed, and differences are antisymmetric by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, sqrt

from scipy.special import ndtri

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.comparisons.contrasts import NEEDED, Contrast
from jetstream_argo.stats.comparisons.means import complete_units_of, units_of
from jetstream_argo.stats.draft import Interval
from jetstream_argo.stats.moments import JointMoments, varies
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class Fit:
    """The regression: each branch's moments, and what they share.

    `slope` is None without a covariate. `variance` is that of the residuals; None where there is none to estimate
    from; `unadjusted` is what it would be without the covariate. Relative uplifts are taken where the covariate is
    `at`.
    """

    branches: tuple[JointMoments, ...]
    slope: float | None
    m2_x: float
    variance: float | None
    unadjusted: float
    dof: int
    at: float

    def mean(self, branch: JointMoments) -> float:
        """The fitted mean of the branch where the covariate is `at`."""
        return branch.mean_y + (self.slope or 0.0) * (self.at - branch.mean_x)

    def covariance(self, a: JointMoments, b: JointMoments) -> float:
        """The covariance of two branches' fitted means; of the same branch, the variance."""
        variance = self.variance or 0.0
        own = 1 / a.n if a is b else 0.0
        shared = (self.at - a.mean_x) * (self.at - b.mean_x) / self.m2_x if self.slope is not None else 0.0
        return variance * (own + shared)

    def difference_variance(self, a: JointMoments, b: JointMoments) -> float:
        """The variance of the difference of two branches' fitted means."""
        shared = (a.mean_x - b.mean_x) ** 2 / self.m2_x if self.slope is not None else 0.0
        return (self.variance or 0.0) * (1 / a.n + 1 / b.n + shared)


def fit(branches: Sequence[JointMoments], *, at: float | None) -> Fit:
    """Return the homoskedastic least squares fit on the branch and, unless `at` is None, on the covariate.

    A covariate that does not vary within branches is left out. Branches without units add nothing.

    Source:
        Frisch and Waugh (1933), Econometrica 1:387; Lovell (1963), JASA 58:993.
    """
    pooled = [branch for branch in branches if branch.n]
    m2_x = sum(branch.m2_x for branch in pooled)
    c_xy = sum(branch.c_xy for branch in pooled)
    n = sum(branch.n for branch in pooled)
    differs = varies(m2_x, n, max((abs(branch.mean_x) for branch in pooled), default=0.0))
    slope = c_xy / m2_x if at is not None and differs else None
    dof = n - len(pooled) - (slope is not None)
    rss = sum(branch.m2_y for branch in pooled) - (slope or 0.0) * c_xy
    differs = varies(rss, n, max((abs(branch.mean_y) for branch in pooled), default=0.0))
    variance = rss / dof if dof > 0 and differs else None
    own = n - len(pooled)
    unadjusted = sum(branch.m2_y for branch in pooled) / own if own > 0 else 0.0
    return Fit(tuple(branches), slope, m2_x, variance, unadjusted, dof, at or 0.0)


def fit_sample(sample: Sample, *, adjusted: bool) -> Fit:
    """Return the fit to a sample, on the covariate too if that is asked for and any unit has it.

    Raises:
        EstimateError: the sample holds neither `Moments` nor `Covaried`, or a covariate without `qbar`.
    """
    complete = [complete_units_of(facts) for facts in sample.branches]
    if not adjusted or not any(branch.n for branch in complete):
        units = [units_of(facts) for facts in sample.branches]
        return fit([JointMoments(branch.n, branch.mean, 0.0, branch.m2, 0.0, 0.0) for branch in units], at=None)
    if sample.pooled.qbar is None:
        raise EstimateError("wrong_data", "a covariate adjustment needs the covariate's qbar; deliver it in `pooled`")
    return fit(complete, at=sample.pooled.qbar)


def difference(model: Fit, reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
    """Return the difference of the fitted means, with a t interval by the regression's degrees of freedom."""
    if not reference.n or not branch.n:
        return Interval(reason=Reason.NO_UNITS)
    # The reference value of the covariate cancels, and with it the rounding that it would bring.
    point = branch.mean_y - reference.mean_y - (model.slope or 0.0) * (branch.mean_x - reference.mean_x)
    interval = _difference_interval(model, reference, branch, point, confidence)
    if model.slope is None:
        return interval
    return replace(interval, adjusted_mean=model.mean(branch), adjusted_reference_mean=model.mean(reference))


def _difference_interval(
    model: Fit, reference: JointMoments, branch: JointMoments, point: float, confidence: float
) -> Interval:
    if min(reference.n, branch.n) < NEEDED or model.dof < 1:
        return Interval(point, reason=Reason.TOO_FEW_UNITS)
    if model.variance is None:
        return Interval(point, reason=Reason.NO_VARIATION)
    variance = model.difference_variance(reference, branch)
    described = Contrast(point, sqrt(variance), model.dof).described(confidence)
    if model.slope is None:
        return described
    return replace(described, variance_reduction=1 - variance / model.unadjusted / (1 / branch.n + 1 / reference.n))


def relative_uplift(model: Fit, reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
    """Return the same as a share of the reference's mean, with a normal interval for its logarithm (delta method)."""
    if not reference.n or not branch.n:
        return Interval(reason=Reason.NO_UNITS)
    if _is_zero(reference) or model.mean(reference) == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    if model.mean(branch) == 0:
        return Interval(-1.0, reason=Reason.ZERO_BRANCH)
    treated, control = model.mean(branch), model.mean(reference)
    ratio = treated / control
    if ratio <= 0:
        return Interval(reason=Reason.OPPOSITE_SIGNS)
    if min(reference.n, branch.n) < NEEDED or model.dof < 1:
        return Interval(ratio - 1, reason=Reason.TOO_FEW_UNITS)
    if model.variance is None:
        return Interval(ratio - 1, reason=Reason.NO_VARIATION)
    z = float(ndtri((1 + confidence) / 2))
    if z * sqrt(model.covariance(reference, reference)) >= abs(control):
        return Interval(ratio - 1, reason=Reason.UNBOUNDED)
    variance = (
        model.covariance(branch, branch) / treated / treated
        + model.covariance(reference, reference) / control / control
        - 2 * model.covariance(branch, reference) / treated / control
    )
    half = z * sqrt(max(variance, 0.0))
    reason = Reason.NEGATIVE_REFERENCE if control < 0 else None
    return Interval(ratio - 1, ratio * exp(-half) - 1, ratio * _exp(half) - 1, reason)


def _is_zero(branch: JointMoments) -> bool:
    return branch.mean_y == 0 and branch.m2_y == 0


def _exp(value: float) -> float:
    try:
        return exp(value)
    except OverflowError:
        return inf
