"""By how much the branches' means differ where their variances do too: Welch's test, CUPED, always-valid bounds."""

from dataclasses import replace

from scipy.special import ndtri

from jetstream_argo.stats.contrasts import Contrast, reduced, relative, welch
from jetstream_argo.stats.draft import Draft, Interval, ordered_pairs, typed
from jetstream_argo.stats.linear import NEEDED, NOTHING, mean_interval
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments
from jetstream_argo.stats.params import WelchMean
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


def welch_mean(params: WelchMean, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return each branch's mean with its t interval, then for every pair the difference and the relative uplift.

    Differences have Welch's t interval and p-value, or the always-valid interval and no p-value; relative uplifts the
    normal interval of the delta method. With a covariate each pair is compared by CUPED, over the units that have it;
    the individual means are of all units. Two units a branch are needed, and values that vary.

    Raises:
        EstimateError: the sample holds neither `Moments` nor `Covaried`.
    """
    draft = Draft(sample.metric, params.row_name, params.confidence_interval)
    data = [typed(facts, Moments, Covaried) or Moments(0, 0.0, 0.0) for facts in sample.branches]
    adjusting = any(isinstance(one, Covaried) and one.complete.m2_x > 0 for one in data)
    names = [facts.branch for facts in sample.branches]
    rows = [
        draft.of_branch(name, _units(one).n, mean_interval(_units(one), params.confidence_interval))
        for name, one in zip(names, data, strict=True)
    ]
    for (reference_name, reference), (name, one) in ordered_pairs(list(zip(names, data, strict=True))):
        if adjusting:
            base, branch = reduced(_complete(reference), _complete(one))
        else:
            base, branch = _units(reference), _units(one)
        pair, n = (reference_name, name), base.n + branch.n
        for comparison, compare in ((Comparison.DIFFERENCE, _difference), (Comparison.RELATIVE_UPLIFT, _relative)):
            row = draft.of_pair(pair, n, comparison, compare(params, base, branch))
            rows.append(_said(params, row, adjusting=adjusting))
    return tuple(rows)


def _units(data: Moments | Covaried) -> Moments:
    return data.units if isinstance(data, Covaried) else data


def _complete(data: Moments | Covaried) -> JointMoments:
    return data.complete if isinstance(data, Covaried) else NOTHING


def _difference(params: WelchMean, reference: Moments, branch: Moments) -> Interval:
    missing = _missing(reference, branch, branch.mean - reference.mean)
    if missing is not None:
        return missing
    found = welch(reference, branch)
    if params.always_valid:
        bounds = found.always_valid_interval(params.confidence_interval, n=reference.n + branch.n)
        return Interval(found.point, *bounds)
    return Interval(found.point, *found.interval(params.confidence_interval), p_value=found.p_value)


def _relative(params: WelchMean, reference: Moments, branch: Moments) -> Interval:
    if reference.n and reference.mean == 0:
        return Interval(reason=Reason.ZERO_REFERENCE)
    missing = _missing(reference, branch, branch.mean / reference.mean - 1 if reference.n else 0.0)
    if missing is not None:
        return missing
    found: Contrast = relative(reference, branch)
    own_error = (reference.variance / reference.n) ** 0.5
    if float(ndtri((1 + params.confidence_interval) / 2)) * own_error >= abs(reference.mean):
        return Interval(found.point, reason=Reason.UNBOUNDED)
    if params.always_valid:
        bounds = found.always_valid_interval(params.confidence_interval, n=reference.n + branch.n)
    else:
        bounds = found.interval(params.confidence_interval)
    return Interval(found.point, *bounds, Reason.NEGATIVE_REFERENCE if reference.mean < 0 else None)


def _missing(reference: Moments, branch: Moments, point: float) -> Interval | None:
    if not reference.n or not branch.n:
        return Interval(reason=Reason.NO_UNITS)
    if min(reference.n, branch.n) < NEEDED:
        return Interval(point, reason=Reason.TOO_FEW_UNITS)
    if reference.m2 + branch.m2 <= 0:
        return Interval(point, reason=Reason.NO_VARIATION)
    return None


def _said(params: WelchMean, row: EstimateRow, *, adjusting: bool) -> EstimateRow:
    if params.covariate_adjustment is None:
        return row
    return replace(row, adjusted=adjusting, reason=row.reason or (None if adjusting else Reason.NO_COVARIATE))
