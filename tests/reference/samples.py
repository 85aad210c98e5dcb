"""What a warehouse would deliver for a statistic, computed from the units themselves: plainly, to be checked by eye."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.method import Method
from jetstream_argo.stats.moments import (
    HIGHEST_POWER,
    Covaried,
    JointMoments,
    JointPowerSums,
    Moments,
    Successes,
    Total,
)
from jetstream_argo.stats.needs import (
    ClipRule,
    CountNeed,
    JointMomentsNeed,
    MomentsNeed,
    PowerSumsNeed,
    ProportionNeed,
    RatioNeed,
    SumNeed,
)
from jetstream_argo.stats.scale import scale_for
from jetstream_argo.stats.sufficient import BranchFacts, Data, Pooled, Sample, ValueCounts

Column: TypeAlias = NDArray[np.float64] | NDArray[np.int64] | NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """A metric's units: `codes` number the `branches`; a unit with a negative one is in none and is left out.

    NaN is a unit without a value; infinite values are excluded and counted. `other` is the covariate, or the
    denominator of a ratio.
    """

    metric: str
    branches: tuple[str, ...]
    codes: NDArray[np.int8]
    values: Column
    other: Column | None = None


def sample_from_columns(method: Method, columns: Columns) -> Sample:
    """Return what `method` needs of the columns."""
    need = method.need()
    scales = (1.0, 1.0)
    if isinstance(need, MomentsNeed | PowerSumsNeed | JointMomentsNeed | RatioNeed):
        scales = (_scale(columns.values), _scale(columns.other))
    # Dividing whole numbers would make them floats, whose pooled limit is not rounded up.
    y = columns.values if scales[0] == 1 else columns.values / scales[0]
    x = columns.other if columns.other is None or scales[1] == 1 else columns.other / scales[1]
    scale = scales[0] / (scales[1] if isinstance(need, RatioNeed) else 1.0)
    facts = [_facts(columns, code) for code in range(len(columns.branches))]
    if isinstance(need, JointMomentsNeed | RatioNeed):
        assert x is not None
        described = _ratio if isinstance(need, RatioNeed) else _covaried
        data, pooled = described(columns.codes, y, x, need.clip, len(facts))
    else:
        finite = (columns.codes >= 0) & np.isfinite(y)
        limit = _limit(y[finite], need.clip) if isinstance(need, MomentsNeed) else np.inf
        groups = [np.minimum(y[finite & (columns.codes == code)], limit) for code in range(len(facts))]
        data = [None if isinstance(need, CountNeed) else _DESCRIBED.get(type(need), counted)(group) for group in groups]
        pooled = Pooled(integer=_is_whole(y))
    described_facts = (replace(known, data=found) for known, found in zip(facts, data, strict=True))
    return Sample(columns.metric, tuple(described_facts), pooled, scale)


def counted(values: Column) -> ValueCounts:
    """Return the distinct values with their counts."""
    distinct, counts = np.unique(values.astype(np.float64), return_counts=True)
    return ValueCounts(distinct, counts)


def moments(values: Column) -> Moments:
    """Return count, mean, and the sum of squares about the mean."""
    if not len(values):
        return Moments(0, 0.0, 0.0)
    ordered = np.sort(values.astype(np.float64))  # sums are rounded alike whatever the order of the units
    mean = float(ordered.mean())
    return Moments(len(values), mean, float(((ordered - mean) ** 2).sum()))


def _total(values: Column) -> Total:
    return Total(len(values), float(values.sum()))


def _successes(values: Column) -> Successes:
    ones, zeros = int((values == 1).sum()), int((values == 0).sum())
    return Successes(len(values), ones, len(values) - ones - zeros)


_DESCRIBED: dict[type, Callable[[Column], Data]] = {
    SumNeed: _total,
    ProportionNeed: _successes,
    MomentsNeed: moments,
}


def _covaried(
    codes: NDArray[np.int8], y: Column, x: Column, clip: ClipRule | None, branches: int
) -> tuple[list[Data | None], Pooled]:
    has_y, has_x = ((codes >= 0) & np.isfinite(column) for column in (y, x))
    limit_y, limit_x = _limit(y[has_y], clip), _limit(x[has_x], clip)
    limited_y, limited_x = np.minimum(y, limit_y), np.minimum(x, limit_x)
    data: list[Data | None] = []
    for code in range(branches):
        complete = has_y & has_x & (codes == code)
        joint = _joint(limited_y[complete], limited_x[complete])
        data.append(Covaried(moments(limited_y[has_y & (codes == code)]), joint))
    both = limited_x[has_y & has_x]
    qbar = float(np.quantile(both, np.arange(0, 1, 1e-4)).mean()) if len(both) else None
    return data, Pooled(qbar=qbar, integer=_is_whole(y))


def _joint(y: Column, x: Column) -> JointMoments:
    own, other = moments(y), moments(x)
    product = float(((y - own.mean) * (x - other.mean)).sum())
    return JointMoments(own.n, own.mean, other.mean, own.m2, other.m2, product)


def _ratio(
    codes: NDArray[np.int8], y: Column, x: Column, clip: ClipRule | None, branches: int
) -> tuple[list[Data | None], Pooled]:
    has_both = np.isfinite(y) & np.isfinite(x)
    own = (has_both & (codes == code) for code in range(branches))
    return [joint_power_sums(y[rows], x[rows], clip) for rows in own], Pooled()


def joint_power_sums(y: Column, x: Column, clip: ClipRule | None = None) -> JointPowerSums:
    """Return the sums of products of powers about the means, each column clipped at its own quantile."""
    if not len(y):
        return JointPowerSums(0, 0.0, 0.0, ())
    floats = [column.astype(np.float64) for column in (y, x)]
    y, x = (np.minimum(column, np.quantile(column, clip.probability) if clip else np.inf) for column in floats)
    dy, dx = y - y.mean(), x - x.mean()
    orders = range(HIGHEST_POWER + 1)
    central = tuple(tuple(float((dy**i * dx**j).sum()) for j in orders if i + j <= HIGHEST_POWER) for i in orders)
    return JointPowerSums(len(y), float(y.mean()), float(x.mean()), central, float(x.min()))


def _limit(values: Column, clip: ClipRule | None) -> float:
    """The value at which those of all branches are clipped."""
    if clip is None or not len(values):
        return np.inf
    limit = float(np.quantile(values.astype(np.float64), clip.probability))
    return float(np.ceil(limit)) if _is_whole(values) else limit


def _facts(columns: Columns, code: int) -> BranchFacts:
    own = columns.values[columns.codes == code]
    odd = ~np.isfinite(own)
    n_null = int(np.isnan(own).sum())
    return BranchFacts(columns.branches[code], len(own), None, n_null, int(odd.sum()) - n_null)


def _is_whole(values: Column) -> bool:
    return bool(np.issubdtype(values.dtype, np.integer))


def _scale(values: Column | None) -> float:
    finite = np.empty(0) if values is None or values.dtype.kind != "f" else values[np.isfinite(values)]
    return scale_for(float(np.abs(finite).max(initial=0.0)))
