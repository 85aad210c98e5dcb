"""By how much the branches' means differ: least squares from centred sums.

With a dummy for each branch the regression `y ~ branch [+ x]` separates: by Frisch, Waugh and Lovell the slope on x is
that of the values centred within their branches, and everything else follows from each branch's means. So sums about
the branch means are all that is needed, and differences are antisymmetric by construction.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, sqrt

from scipy.special import ndtri, stdtrit

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.contrasts import Contrast
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments, varies
from jetstream_argo.stats.params import LinearModelMean, PerClientDauImpact
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts, Sample

NEEDED = 2  # units a branch, for an interval
NOTHING = JointMoments(0, 0.0, 0.0, 0.0, 0.0, 0.0)


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


def linear_model_mean(params: LinearModelMean, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's mean with its own t interval, then for every pair the difference and the relative uplift.

    The individual means are never adjusted, but are those of the units that have the covariate too, unless
    `individual_from_all` asks for those of all units; the means that an adjusted difference compares stand beside it. A
    difference has a t interval with the regression's degrees of freedom, and a two-sided p-value. A relative uplift is
    the ratio of the fitted means at the covariate's `qbar`, with a normal interval for its logarithm (delta method).

    Without variation there are points only. A relative uplift has no point where the reference is 0 or the signs
    differ, and no bounds where the reference's own normal interval holds 0. Where no unit has the covariate, or it
    does not vary, the comparison is unadjusted and its rows say so.

    Raises:
        EstimateError: the sample holds neither `Moments` nor `Covaried`, or a covariate without `qbar`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    model = _model(params, sample)
    available = [units_of(facts).n for facts in sample.branches]
    rows = [
        _about_covariate(
            params,
            draft.of_branch(facts.branch, own.n, mean_interval(own, params.confidence_interval)),
            without=n - own.n,
        )
        for facts, own, n in zip(sample.branches, _own(params, sample, model), available, strict=True)
    ]
    names = (facts.branch for facts in sample.branches)
    for (reference_name, reference, n_r), (name, branch, n_b) in ordered_pairs(
        list(zip(names, model.branches, available, strict=True))
    ):
        pair, n = (reference_name, name), reference.n + branch.n
        compared = (
            (Comparison.DIFFERENCE, _difference(model, reference, branch, params.confidence_interval)),
            (Comparison.RELATIVE_UPLIFT, _relative_uplift(model, reference, branch, params.confidence_interval)),
        )
        for comparison, interval in compared:
            row = _adjusted(params, model, draft.of_pair(pair, n, comparison, interval))
            rows.append(_about_covariate(params, row, without=n_r + n_b - n))
    return tuple(rows)


def per_client_dau_impact(params: PerClientDauImpact, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return the comparisons of `linear_model_mean`, each difference times the units of all branches.

    The units without a value count too, so that the product is about the experiment as it was enrolled.
    """
    return tuple(
        row.in_unit(lambda value: value * sample.n_rows) if row.comparison is Comparison.DIFFERENCE else row
        for row in linear_model_mean(params, sample)
        if row.comparison is not None
    )


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


def _model(params: LinearModelMean, sample: Sample) -> Fit:
    data = [typed(facts, Moments, Covaried) for facts in sample.branches]
    complete = [one.complete if isinstance(one, Covaried) else NOTHING for one in data]
    if params.covariate_adjustment is None or not any(branch.n for branch in complete):
        units = [units_of(facts) for facts in sample.branches]
        return fit([JointMoments(one.n, one.mean, 0.0, one.m2, 0.0, 0.0) for one in units], at=None)
    if sample.pooled.qbar is None:
        raise EstimateError("wrong_data", "a covariate adjustment needs the covariate's qbar; deliver it in `pooled`")
    return fit(complete, at=sample.pooled.qbar)


def _own(params: LinearModelMean, sample: Sample, model: Fit) -> list[Moments]:
    """Of which units the branches' own means are."""
    if not params.individual_from_all:
        return [branch.y for branch in model.branches]
    return [units_of(facts) for facts in sample.branches]


def _adjusted(params: LinearModelMean, model: Fit, row: EstimateRow) -> EstimateRow:
    if params.covariate_adjustment is None:
        return row
    adjusted = model.slope is not None
    return replace(row, adjusted=adjusted, reason=row.reason or (None if adjusted else Reason.NO_COVARIATE))


def _about_covariate(params: LinearModelMean, row: EstimateRow, *, without: int) -> EstimateRow:
    """Return the row, which says how many units it leaves out, and that nothing is left where these are all."""
    if params.covariate_adjustment is None:
        return row
    reason = Reason.NO_COVARIATE if row.reason is Reason.NO_UNITS and without else row.reason
    return replace(row, n_without_covariate=without, reason=reason)


def _difference(model: Fit, reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
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


def _relative_uplift(model: Fit, reference: JointMoments, branch: JointMoments, confidence: float) -> Interval:
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
