"""What raw columns say of a sample: the sufficient statistics that a warehouse would deliver, computed in memory.

For tests, benchmarks, and data that are in no warehouse. Small whole numbers are counted without a copy of the column;
others are grouped by branch once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.bounds import precise
from jetstream_argo.stats.cumulants import bootstrap_mean_law
from jetstream_argo.stats.laws import Floats
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments, Successes, Total
from jetstream_argo.stats.needs import (
    ClipRule,
    CountNeed,
    JointMomentsNeed,
    MomentsNeed,
    Need,
    OrderStatisticsNeed,
    PowerSumsNeed,
    ProportionNeed,
    RatioNeed,
    SumNeed,
)
from jetstream_argo.stats.params import Params
from jetstream_argo.stats.reduce import clipped, joint_power_sums, moments, power_sums_of, thresholds
from jetstream_argo.stats.select import quantile_of, ranked
from jetstream_argo.stats.sufficient import (
    BranchFacts,
    Data,
    OrderWindows,
    PairCounts,
    Pooled,
    Sample,
    ValueCounts,
    rank_window,
)

Column: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]

COUNTABLE = 65_536  # whole numbers of at most so wide a range are counted
SORTED = 20_000  # values below which a branch is sorted and counted
QBAR_STEP = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A metric's units: `codes` are places in `branches` (a negative one: the unit is in none and is left out).

    NaN is a unit without a value; infinite values are excluded and counted. `other` is the covariate, or the
    denominator of a ratio.
    """

    metric: str
    branches: tuple[str, ...]
    codes: NDArray[np.int8]
    values: Column
    other: Column | None = None


def sample_from_columns(params: Params, columns: Columns) -> Sample:
    """Return what `params` needs of the columns.

    Raises:
        EstimateError: a covariate or a denominator is needed and `other` is absent.
    """
    need = params.need()
    if isinstance(need, JointMomentsNeed):
        return _covaried(columns, need.clip)
    if isinstance(need, RatioNeed):
        return _ratio(columns, need.clip)
    if isinstance(need, CountNeed):
        return _sample(columns, [None] * len(columns.branches), Pooled())
    finite = _finite(columns.codes, columns.values)
    counted = _counted(columns, finite)
    data = [_of_counts(one, need) for one in counted] if counted else _of_values(need, columns, finite)
    if counted and isinstance(need, MomentsNeed):
        limits = thresholds(counted, need.clip, integer=_whole(columns.values))
        data = [moments(clipped(one, limit)) for one, limit in zip(counted, limits, strict=True)]
    return _sample(columns, data, Pooled(integer=_whole(columns.values)))


@dataclass(frozen=True, slots=True, eq=False)
class _Finite:
    """The units that are in a branch and have a finite value."""

    codes: NDArray[np.int8]
    values: Column


def _finite(codes: NDArray[np.int8], values: Column) -> _Finite:
    kept = (codes >= 0) & np.isfinite(values)
    return _Finite(codes, values) if kept.all() else _Finite(codes[kept], values[kept])


def _whole(values: Column) -> bool:
    return bool(np.issubdtype(values.dtype, np.integer))


def _counted(columns: Columns, finite: _Finite) -> list[ValueCounts] | None:
    """The values and their counts, by counting; None where that is not worth it."""
    values = finite.values
    if not len(values):
        return None
    if values.dtype == np.bool_:
        values = values.astype(np.int64)
    low, high = float(values.min()), float(values.max())
    if high - low >= COUNTABLE or not _all_whole(values):
        return None
    width, first = int(high - low) + 1, int(low)
    places = finite.codes.astype(np.int64) * width + (values.astype(np.int64) - first)
    table = np.bincount(places, minlength=width * len(columns.branches)).reshape(len(columns.branches), width)
    return [ValueCounts(np.flatnonzero(row).astype(np.float64) + first, row[row > 0]) for row in table]


def _all_whole(values: Column) -> bool:
    # The first few say it of most columns.
    parts = (values[:1000], values)
    return _whole(values) or all(bool((part == np.floor(part)).all()) for part in parts)


def _of_counts(counts: ValueCounts, need: Need) -> Data:
    match need:
        case SumNeed():
            return Total(counts.n, float(counts.counts @ counts.values))
        case ProportionNeed():
            of = dict(zip(counts.values.tolist(), counts.counts.tolist(), strict=True))
            return Successes(counts.n, of.get(1.0, 0), counts.n - of.get(0.0, 0) - of.get(1.0, 0))
        case _:
            return counts


def _of_values(need: Need, columns: Columns, finite: _Finite) -> list[Data]:
    values = finite.values.astype(np.float64, copy=False)
    groups = [np.compress(finite.codes == code, values) for code in range(len(columns.branches))]
    if isinstance(need, MomentsNeed):
        limit = quantile_of(values, need.clip.probability) if need.clip and len(values) else None
        if limit is not None and _whole(columns.values):
            limit = float(np.ceil(limit))
        return [_moments(group, limit) for group in groups]
    return [_of_group(need, group) for group in groups]


def _of_group(need: Need, group: Floats) -> Data:
    match need:
        case SumNeed():
            return Total(len(group), float(group.sum()))
        case ProportionNeed():
            return Successes(len(group), int((group == 1).sum()), int(((group != 0) & (group != 1)).sum()))
        case PowerSumsNeed(clip=clip) if len(group) > SORTED:
            limited = np.minimum(group, quantile_of(group, clip.probability)) if clip else group
            sums = power_sums_of(limited)
            return sums if precise(bootstrap_mean_law(sums), sums) else _value_counts(group)
        case OrderStatisticsNeed(probabilities=probabilities, spread=spread) if len(group) > SORTED:
            return _windows(group, probabilities, spread)
        case _:
            return _value_counts(group)


def _value_counts(group: Floats) -> ValueCounts:
    values, counts = np.unique(group, return_counts=True)
    return ValueCounts(values, counts.astype(np.int64))


def _windows(group: Floats, probabilities: Sequence[float], spread: float) -> OrderWindows:
    ranks: list[tuple[int, int]] = []
    for low, high in sorted(rank_window(len(group), one, spread) for one in probabilities):
        # Windows that touch are one, so that no rank is given twice.
        if ranks and low <= ranks[-1][1] + 1:
            ranks[-1] = (ranks[-1][0], max(high, ranks[-1][1]))
        else:
            ranks.append((low, high))
    values = np.concatenate([ranked(group, low, high) for low, high in ranks])
    rank = np.concatenate([np.arange(low, high + 1) for low, high in ranks])
    return OrderWindows(len(group), values, rank, rank)


def _moments(values: Floats, limit: float | None) -> Moments:
    if not len(values):
        return Moments(0, 0.0, 0.0)
    limited = values if limit is None else np.minimum(values, limit)
    mean = float(limited.mean())
    deviation = limited - mean
    return Moments(len(values), mean, float(deviation @ deviation))


def _covaried(columns: Columns, clip: ClipRule | None) -> Sample:
    if columns.other is None:
        raise EstimateError("wrong_data", f"{columns.metric}: a covariate adjustment needs the covariate's column")
    limits = []
    for column in (columns.values, columns.other):
        present = _finite(columns.codes, column).values.astype(np.float64)
        limit = quantile_of(present, clip.probability) if clip and len(present) else np.inf
        limits.append(float(np.ceil(limit)) if _whole(column) and np.isfinite(limit) else limit)
    y, x = (
        np.minimum(one.astype(np.float64), at) for one, at in zip((columns.values, columns.other), limits, strict=True)
    )
    has_y = (columns.codes >= 0) & np.isfinite(columns.values)
    both = has_y & np.isfinite(columns.other)
    data: list[Data] = []
    for code in range(len(columns.branches)):
        mine = columns.codes == code
        complete = both & mine
        units = _moments(np.compress(has_y & mine, y), None)
        data.append(Covaried(units, _joint(np.compress(complete, y), np.compress(complete, x))))
    qbar = float(np.quantile(x[both], np.arange(0, 1, QBAR_STEP)).mean()) if both.any() else None
    pooled = Pooled(limits[0] if clip else None, limits[1] if clip else None, qbar, integer=_whole(columns.values))
    return _sample(columns, data, pooled)


def _joint(y: Floats, x: Floats) -> JointMoments:
    if not len(y):
        return JointMoments(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    mean_y, mean_x = float(y.mean()), float(x.mean())
    dy, dx = y - mean_y, x - mean_x
    return JointMoments(len(y), mean_y, mean_x, float(dy @ dy), float(dx @ dx), float(dx @ dy))


def _ratio(columns: Columns, clip: ClipRule | None) -> Sample:
    if columns.other is None:
        raise EstimateError("wrong_data", f"{columns.metric}: a ratio needs the denominator's column")
    both = np.isfinite(columns.values) & np.isfinite(columns.other)
    data: list[Data] = []
    for code in range(len(columns.branches)):
        mine = both & (columns.codes == code)
        pair = [np.compress(mine, one).astype(np.float64) for one in (columns.values, columns.other)]
        pairs = PairCounts(pair[0], pair[1], np.ones(len(pair[0]), np.int64))
        data.append(joint_power_sums(pairs, clip) if pairs.n else pairs)
    return _sample(columns, data, Pooled())


def _sample(columns: Columns, data: Sequence[Data | None], pooled: Pooled) -> Sample:
    in_branch = columns.codes >= 0
    counted = (in_branch, np.isnan(columns.values) & in_branch, np.isinf(columns.values) & in_branch)
    rows, nulls, others = (_units(columns, which) for which in counted)
    facts = zip(columns.branches, rows, data, nulls, others, strict=True)
    return Sample(columns.metric, tuple(BranchFacts(*one) for one in facts), pooled)


def _units(columns: Columns, which: NDArray[np.bool_]) -> list[int]:
    """How many of these units each branch has; mostly they are all or none, and nothing need be copied."""
    if not which.any():
        return [0] * len(columns.branches)
    codes = columns.codes if which.all() else np.compress(which, columns.codes)
    return [int(count) for count in np.bincount(codes, minlength=len(columns.branches))]
