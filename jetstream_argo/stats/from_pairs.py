"""Computes the sufficient statistics of two raw columns: a value with its covariate, or the parts of a ratio."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.columns import Column, Columns, Finite, finite_of, is_whole, sample_of, span_of
from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.reduce import joint_power_sums
from jetstream_argo.stats.select import Buckets, quantile_of
from jetstream_argo.stats.sufficient import Data, PairCounts, Pooled, Sample

QBAR_STEP = 1e-4
EXACT_QBAR = 100_000  # covariates up to which all are sorted
PAIRS = 2**20  # kinds of pairs up to which they are counted


def covaried(columns: Columns, finite: Finite, clip: ClipRule | None) -> Sample:
    """Return the moments of the value and its covariate, as `JointMomentsNeed` describes them.

    Raises:
        EstimateError: there is no other column.
    """
    if columns.other is None:
        raise EstimateError("wrong_data", f"{columns.metric}: a covariate adjustment needs the covariate's column")
    other = finite_of(replace(columns, values=columns.other))
    limits = []
    for one in (finite, other):
        limit = (
            quantile_of(one.values.astype(np.float64, copy=False), clip.probability)
            if clip and len(one.values)
            else np.inf
        )
        limits.append(float(np.ceil(limit)) if is_whole(one.values) and np.isfinite(limit) else limit)
    both = _both(columns, finite, other)
    data: list[Data] = []
    for code in range(len(columns.branches)):
        mine = columns.codes == code
        complete = mine if both is None else both & mine
        y, x = (_limited(complete, one, at) for one, at in zip((columns.values, columns.other), limits, strict=True))
        joint = _joint(y, x)
        has_y = mine if finite.kept is None else mine & finite.kept
        units = joint.y if both is None else _alone(_limited(has_y, columns.values, limits[0]))
        data.append(Covaried(units, joint))
    complete = columns.other if both is None else columns.other[both]
    qbar = _qbar(complete, limits[1]) if len(complete) else None
    pooled = Pooled(limits[0] if clip else None, limits[1] if clip else None, qbar, integer=is_whole(columns.values))
    return sample_of(columns, finite, data, pooled)


def _both(columns: Columns, finite: Finite, other: Finite) -> NDArray[np.bool_] | None:
    """Which units have both values; None for all."""
    if finite.kept is None and other.kept is None:
        return None
    kept = [one.kept for one in (finite, other) if one.kept is not None]
    return kept[0] if len(kept) == 1 else kept[0] & kept[1]


def _limited(which: NDArray[np.bool_], values: Column, limit: float) -> Floats:
    chosen = values.take(np.flatnonzero(which)).astype(np.float64, copy=False)
    return np.minimum(chosen, limit, out=chosen) if np.isfinite(limit) else chosen


def _qbar(x: Column, limit: float) -> float:
    span = span_of(x) if x.dtype.kind in "iu" else None
    if span is not None:
        counts = np.bincount(x.astype(np.int64) - span[0])
        values = np.minimum(np.flatnonzero(counts).astype(np.float64) + span[0], limit)
        return mean_of_quantiles(values, counts[counts > 0])
    limited = np.minimum(x.astype(np.float64, copy=False), limit)
    if len(limited) <= EXACT_QBAR:
        return mean_of_quantiles(np.sort(limited), np.ones(len(limited), np.int64))
    # Of the quantiles in one bucket, the mean of its values is as good as each of them.
    buckets = Buckets.of(limited)
    counts = np.diff(buckets.upto, prepend=0)
    sums = np.bincount(buckets.bucket, weights=limited)
    return mean_of_quantiles(sums[counts > 0] / counts[counts > 0], counts[counts > 0])


def mean_of_quantiles(values: Floats, counts: NDArray[np.int64]) -> float:
    """Return the mean of the quantiles 0, 0.0001, …, 0.9999 of ascending values with counts (linear interpolation)."""
    upto = np.cumsum(counts)
    position = np.arange(0, 1, QBAR_STEP) * (int(upto[-1]) - 1)
    low = position.astype(np.int64)
    share = position - low
    below, above = (values[np.searchsorted(upto, np.minimum(r, upto[-1] - 1), side="right")] for r in (low, low + 1))
    return float((below + share * (above - below)).mean())


def _alone(y: Floats) -> Moments:
    mean = float(y.mean()) if len(y) else 0.0
    deviation = y - mean
    return Moments(len(y), mean, float(deviation @ deviation))


def _joint(y: Floats, x: Floats) -> JointMoments:
    if not len(y):
        return JointMoments(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mean_y, mean_x = float(y.mean()), float(x.mean())
    dy, dx = y - mean_y, x - mean_x
    return JointMoments(len(y), mean_y, mean_x, float(dy @ dy), float(dx @ dx), float(dx @ dy))


def ratio(columns: Columns, finite: Finite, clip: ClipRule | None) -> Sample:
    """Return the joint sums of numerator and denominator, as `RatioNeed` describes them.

    Raises:
        EstimateError: there is no other column.
    """
    if columns.other is None:
        raise EstimateError("wrong_data", f"{columns.metric}: a ratio needs the denominator's column")
    both = _both(columns, finite, finite_of(replace(columns, values=columns.other)))
    codes, y, x = columns.codes, columns.values, columns.other
    if both is not None:
        codes, y, x = codes[both], y[both], x[both]
    pairs = _counted_pairs(len(columns.branches), codes, y, x)
    data: list[Data] = [joint_power_sums(one, clip) if one.n else one for one in pairs]
    return sample_of(columns, finite, data, Pooled())


def _counted_pairs(branches: int, codes: NDArray[np.int8], y: Column, x: Column) -> list[PairCounts]:
    """The pairs of every branch, counted where they are whole numbers of few kinds."""
    of_y, of_x = (span_of(one) if one.dtype.kind in "iu" and len(one) else None for one in (y, x))
    if of_y is None or of_x is None or branches * of_y[1] * of_x[1] > PAIRS:
        each = (np.flatnonzero(codes == code) for code in range(branches))
        floats = [one.astype(np.float64, copy=False) for one in (y, x)]
        return [_uncounted(floats[0].take(of), floats[1].take(of)) for of in each]
    (first_y, width_y), (first_x, width_x) = of_y, of_x
    places = codes.astype(np.int64)
    for one, first, width in ((y, first_y, width_y), (x, first_x, width_x)):
        places *= width
        places += one.astype(np.int64, copy=False)
        places -= first
    table = np.bincount(places, minlength=branches * width_y * width_x).reshape(branches, width_y, width_x)
    found = []
    for of_branch in table:
        at_y, at_x = np.nonzero(of_branch)
        found.append(PairCounts((at_y + first_y).astype(float), (at_x + first_x).astype(float), of_branch[at_y, at_x]))
    return found


def _uncounted(y: Floats, x: Floats) -> PairCounts:
    return PairCounts(y, x, np.broadcast_to(np.int64(1), len(y)))  # takes no room
