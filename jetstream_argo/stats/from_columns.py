"""Computes in memory, from raw columns, the sufficient statistics that a warehouse would deliver.

For tests, benchmarks, and data that are in no warehouse. Small whole numbers are counted without a copy of the column;
others are grouped by branch once.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import inf

import numpy as np

from jetstream_argo.stats.clipped_sums import clipped_power_sums
from jetstream_argo.stats.columns import AT_ONCE, Columns, Finite, finite_of, is_whole, largest, sample_of, span_of
from jetstream_argo.stats.from_pairs import covaried, ratio
from jetstream_argo.stats.laws.bounds import precise
from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.laws.cumulants import bootstrap_mean_law
from jetstream_argo.stats.laws.grids import cumulative, grid
from jetstream_argo.stats.laws.kernels import bandwidth, boxes_of_values
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.moments import PowerSums, Successes, Total
from jetstream_argo.stats.needs import (
    CountNeed,
    DensityNeed,
    GridNeed,
    JointMomentsNeed,
    MomentsNeed,
    Need,
    OrderStatisticsNeed,
    PowerSumsNeed,
    ProportionNeed,
    RatioNeed,
    SumNeed,
)
from jetstream_argo.stats.reduce import clipped, moments, moments_of, power_sums_of, thresholds
from jetstream_argo.stats.scale import unit_for
from jetstream_argo.stats.select import Buckets, quantile_of
from jetstream_argo.stats.sufficient import (
    Data,
    Extremes,
    GridCounts,
    OrderWindows,
    Pooled,
    Sample,
    ValueCounts,
    rank_window,
)

__all__ = ["Columns", "sample_from_columns"]

SORTED = 20_000  # values below which a branch is sorted and counted
COUNTED_AT_ONCE = 15_000  # values; see AT_ONCE


def sample_from_columns(method: Method, columns: Columns) -> Sample:
    """Return what `method` needs of the columns.

    The reference value of a covariate of more than 100,000 units is good to about a millionth.

    Raises:
        EstimateError: a covariate or a denominator is needed and `other` is absent.
    """
    need = method.need()
    if isinstance(need, MomentsNeed | PowerSumsNeed | JointMomentsNeed | RatioNeed):
        units = [unit_for(largest(one)) for one in (columns.values, columns.other) if one is not None]
        if any(unit != 1 for unit in units):
            return _in_units(method, columns, units)
    finite = finite_of(columns)
    if isinstance(need, JointMomentsNeed):
        return covaried(columns, finite, need.clip)
    if isinstance(need, RatioNeed):
        return ratio(columns, finite, need.clip)
    if isinstance(need, CountNeed):
        return sample_of(columns, finite, [None] * len(columns.branches), Pooled())
    counted = _counted(columns, finite)
    data = [_of_counts(one, need) for one in counted] if counted else _of_values(need, columns, finite)
    if counted and isinstance(need, MomentsNeed):
        limits = thresholds(counted, need.clip, integer=is_whole(columns.values))
        data = [moments(clipped(one, limit)) for one, limit in zip(counted, limits, strict=True)]
    return sample_of(columns, finite, data, Pooled(integer=is_whole(columns.values)))


def _in_units(method: Method, columns: Columns, units: Sequence[float]) -> Sample:
    """The sample of very large or small values, in units of their own."""
    other = None if columns.other is None else columns.other / units[1]
    sample = sample_from_columns(method, replace(columns, values=columns.values / units[0], other=other))
    ratio_unit = units[1] if isinstance(method.need(), RatioNeed) else 1.0
    return replace(sample, unit=units[0] / ratio_unit)


def _counted(columns: Columns, finite: Finite) -> list[ValueCounts] | None:
    """The values and their counts, by counting; None where that is not worth it."""
    values = finite.values
    if not len(values):
        return None
    if values.dtype == np.bool_:
        return _counted_flags(finite, len(columns.branches))
    span = span_of(values)
    if span is None:
        return None
    first, width = span
    cells = width * len(columns.branches)
    table = np.zeros(cells, np.int64)
    size = max(COUNTED_AT_ONCE, 4 * cells)
    room = np.empty(min(size, len(values)), np.int64)
    for start in range(0, len(values), size):
        part = values[start : start + size]
        places = room[: len(part)]
        np.multiply(finite.codes[start : start + size], width, out=places, dtype=np.int64)
        places += part.astype(np.int64, copy=False)
        if first:
            places -= first
        table += np.bincount(places, minlength=cells)
    return [
        ValueCounts(np.flatnonzero(row).astype(np.float64) + first, row[row > 0])
        for row in table.reshape(len(columns.branches), width)
    ]


def _counted_flags(finite: Finite, branches: int) -> list[ValueCounts]:
    table = np.zeros((branches, 2), np.int64)
    for start in range(0, len(finite.values), AT_ONCE):
        flags, of = finite.values[start : start + AT_ONCE], finite.codes[start : start + AT_ONCE]
        for code in range(branches):
            mine = of == code
            both, true = int(np.count_nonzero(mine)), int(np.count_nonzero(mine & flags))
            table[code] += (both - true, true)
    return [ValueCounts(np.flatnonzero(row).astype(np.float64), row[row > 0]) for row in table]


def _of_counts(counts: ValueCounts, need: Need) -> Data:
    match need:
        case SumNeed():
            return Total(counts.n, float(counts.counts @ counts.values))
        case ProportionNeed():
            of = dict(zip(counts.values.tolist(), counts.counts.tolist(), strict=True))
            return Successes(counts.n, of.get(1.0, 0), counts.n - of.get(0.0, 0) - of.get(1.0, 0))
        case _:
            return counts


def _of_values(need: Need, columns: Columns, finite: Finite) -> list[Data]:
    values = finite.values.astype(np.float64, copy=False)
    if isinstance(need, MomentsNeed):
        limit = quantile_of(values, need.clip.probability) if need.clip and len(values) else inf
        if is_whole(columns.values) and limit < inf:
            limit = float(np.ceil(limit))
        return list(moments_of(finite.codes, values, limit, branches=len(columns.branches)))
    known: Sequence[PowerSums | None] = [None] * len(columns.branches)
    if isinstance(need, PowerSumsNeed) and len(values) > SORTED * len(columns.branches):
        probability = need.clip.probability if need.clip else None
        known = clipped_power_sums(finite.codes, values, probability, branches=len(columns.branches))
    return [
        sums
        if sums is not None and sums.n > SORTED and precise(bootstrap_mean_law(sums), sums)
        else _of_group(need, values.take(np.flatnonzero(finite.codes == code)))
        for code, sums in enumerate(known)
    ]


def _of_group(need: Need, group: Floats) -> Data:
    match need:
        case SumNeed():
            return Total(len(group), float(group.sum()))
        case ProportionNeed():
            return Successes(len(group), int((group == 1).sum()), int(((group != 0) & (group != 1)).sum()))
        case PowerSumsNeed(clip=clip) if len(group) > SORTED:
            sums = power_sums_of(group, quantile_of(group, clip.probability)) if clip else power_sums_of(group)
            return sums if precise(bootstrap_mean_law(sums), sums) else _value_counts(group)
        case OrderStatisticsNeed(probabilities=probabilities, spread=spread) if len(group) > SORTED:
            return _windows(group, probabilities, spread)
        case GridNeed() if len(group) > SORTED:
            return _grid_counts(group, need)
        case DensityNeed(bandwidth=rule) if len(group) > SORTED and group.min() < group.max():
            return boxes_of_values(group, _extremes(group), bandwidth(rule, len(group), float(group.std(ddof=1))))
        case _:
            return _value_counts(group)


def _grid_counts(group: Floats, need: GridNeed) -> GridCounts:
    span = _extremes(group)
    points = grid(span, grid_size=need.grid_size, log_space=need.log_space)
    return GridCounts(span, cumulative(group, points))


def _extremes(group: Floats) -> Extremes:
    low, high = float(group.min()), float(group.max())
    at_most_zero = 0
    smallest: float | None = low
    if low <= 0:
        at_most_zero = int(np.count_nonzero(group <= 0))
        positive = group[group > 0]
        smallest = float(positive.min()) if len(positive) else None
    return Extremes(len(group), low, high, smallest, at_most_zero)


def _value_counts(group: Floats) -> ValueCounts:
    values = np.sort(group)
    first = np.flatnonzero(values[1:] != values[:-1]) + 1
    if len(first) + 1 == len(values):
        return ValueCounts(values, np.ones(len(values), np.int64))
    places = np.concatenate([[0], first]) if len(values) else first
    return ValueCounts(values[places], np.diff(places, append=len(values)))


def _windows(group: Floats, probabilities: Sequence[float], spread: float) -> OrderWindows:
    ranks: list[tuple[int, int]] = []
    for low, high in sorted(rank_window(len(group), one, spread) for one in probabilities):
        # Windows that touch are one, so that no rank is given twice.
        if ranks and low <= ranks[-1][1] + 1:
            ranks[-1] = (ranks[-1][0], max(high, ranks[-1][1]))
        else:
            ranks.append((low, high))
    values = np.concatenate(Buckets.of(group).ranked(ranks))
    rank = np.concatenate([np.arange(low, high + 1) for low, high in ranks])
    return OrderWindows(len(group), values, rank, rank)
