"""Reduces value counts to anything smaller: quantiles, clipped values, moments, power sums."""

from collections.abc import Iterator, Sequence
from math import inf

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.moments import HIGHEST_POWER, JointPowerSums, Moments, PowerSums
from jetstream_argo.stats.needs import ClipRule, ClipScope
from jetstream_argo.stats.select import between, quantile_of
from jetstream_argo.stats.sufficient import Extremes, PairCounts, ValueCounts

BLOCK = 2**14  # values whose powers stay in a processor's cache
PAIRS = 2**13  # of these there are twice as many powers
SAMPLED = 4096  # values that say about where the mean is


def quantile(data: ValueCounts, probability: float) -> float:
    """Return the linearly interpolated quantile of the values; there must be one.

    Source:
        Hyndman and Fan (1996), Am. Stat. 50:361, definition 7; rounded as numpy's `quantile` rounds.
    """
    after = np.cumsum(data.counts)
    position = (int(after[-1]) - 1) * probability
    rank = int(position)
    low, high = (
        float(data.values[np.searchsorted(after, r, side="right")]) for r in (rank, min(rank + 1, after[-1] - 1))
    )
    return between(low, high, position - rank)


def clipped(data: ValueCounts, threshold: float | None) -> ValueCounts:
    """Return the value counts after larger values were replaced by `threshold`."""
    if threshold is None or not len(data.values) or data.values[-1] <= threshold:
        return data
    kept = int(np.searchsorted(data.values, threshold))
    values = np.r_[data.values[:kept], threshold]
    return ValueCounts(values, np.r_[data.counts[:kept], data.counts[kept:].sum()])


def thresholds(branches: Sequence[ValueCounts], clip: ClipRule | None, *, integer: bool) -> tuple[float | None, ...]:
    """Return for each branch the value to clip at, or None for none; `integer` says the column is whole by type."""
    if clip is None:
        return (None,) * len(branches)
    if clip.scope is ClipScope.PER_BRANCH:
        return tuple(quantile(data, clip.probability) if len(data.values) else None for data in branches)
    pooled = merged(branches)
    if not len(pooled.values):
        return (None,) * len(branches)
    threshold = quantile(pooled, clip.probability)
    return (float(np.ceil(threshold)) if integer else threshold,) * len(branches)


def merged(branches: Sequence[ValueCounts]) -> ValueCounts:
    """Return the value counts of all branches together."""
    values = np.concatenate([data.values for data in branches])
    counts = np.concatenate([data.counts for data in branches])
    order = np.argsort(values, kind="stable")
    values, counts = values[order], counts[order]
    first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]]) if len(values) else np.empty(0, np.int64)
    return ValueCounts(values[first], np.add.reduceat(counts, first) if len(values) else counts)


def moments(data: ValueCounts) -> Moments:
    """Return count, mean and sum of squares about the mean."""
    if not len(data.values):
        return Moments(0, 0.0, 0.0)
    mean = _mean(data.values, data.counts)
    return Moments(data.n, mean, float(data.counts @ (data.values - mean) ** 2))


def moments_of(codes: NDArray[np.int8], values: Floats, limit: float = inf, *, branches: int) -> Iterator[Moments]:
    """Yield the same of every branch from the values of all in any order, larger ones replaced by `limit`."""
    step = max(len(values) // SAMPLED, 1)
    some, of_some = np.minimum(values[::step], limit), codes[::step]
    centers = [float(mine.mean()) if len(mine := some[of_some == code]) else 0.0 for code in range(branches)]
    sums = [[0, 0.0, 0.0] for _ in range(branches)]
    for start, block in zip(range(0, len(values), BLOCK), _blocks(values, limit, BLOCK), strict=True):
        of = codes[start : start + BLOCK]
        for code, (known, center) in enumerate(zip(sums, centers, strict=True)):
            deviation = block.take(np.flatnonzero(of == code))
            deviation -= center
            known[0] += len(deviation)
            known[1] += float(deviation.sum())
            known[2] += float(deviation @ deviation)
    for (n, first, second), center in zip(sums, centers, strict=True):
        yield Moments.from_sums_about(center, int(n), first, second)


def power_sums(data: ValueCounts) -> PowerSums:
    """Return the sums of powers about the mean, to the 8th."""
    if not len(data.values):
        return PowerSums(0, 0.0, (0.0,) * (HIGHEST_POWER + 1), 0.0, 0.0)
    mean = _mean(data.values, data.counts)
    deviation = data.values - mean
    central = _powers(deviation, data.counts * deviation)
    return PowerSums(data.n, mean, (float(data.n), 0.0, *central), float(data.values[0]), float(data.values[-1]))


def power_sums_of(values: Floats, limit: float = inf) -> PowerSums:
    """Return the same from the values themselves, larger ones replaced by `limit`; there must be one."""
    # About where the mean is: sums about a place that near it lose nothing when they are moved to the mean itself.
    center = float(np.minimum(values[:: max(len(values) // SAMPLED, 1)], limit).mean())
    sums = [float(len(values)), *[0.0] * HIGHEST_POWER]
    room = np.empty((HIGHEST_POWER // 2, min(BLOCK, len(values))))
    for block in _blocks(values, limit, BLOCK):
        add_powers(sums, block - center, room)
    low, high = float(values.min()), min(float(values.max()), limit)
    return PowerSums.from_sums_about(center, sums, low, high)


def _blocks(values: Floats, limit: float, size: int) -> Iterator[Floats]:
    """The clipped values, a part at a time, so that no copy of all of them is made."""
    for start in range(0, len(values), size):
        part = values[start : start + size]
        yield np.minimum(part, limit) if limit < inf else part


def add_powers(sums: list[float], deviations: Floats, room: Floats, *, sign: float = 1.0) -> None:
    """Add the sums of the powers from the first on, or take them away; `room` is as for the powers of a block."""
    powers = _powers_of(deviations, room)
    sums[1] += sign * float(powers[0].sum())
    # The k-th power is the product of an i-th and a j-th with i + j = k.
    for k in range(2, HIGHEST_POWER + 1):
        sums[k] += sign * float(powers[k // 2 - 1] @ powers[k - k // 2 - 1])


def _powers_of(deviation: Floats, room: Floats) -> Floats:
    """Return the powers from the first on, as rows of `room`, which is at least as wide."""
    powers = room[:, : len(deviation)]
    powers[0] = deviation
    for k in range(1, len(powers)):
        np.multiply(powers[k - 1], deviation, out=powers[k])
    return powers


def _powers(deviation: Floats, first: Floats) -> list[float]:
    term, found = first.copy(), []
    for _ in range(2, HIGHEST_POWER + 1):
        term *= deviation
        found.append(float(term.sum()))
    return found


def extremes(data: ValueCounts | None) -> Extremes:
    """Return the smallest, largest and smallest positive value; of no values zeros."""
    if data is None or not len(data.values):
        return Extremes(0, 0.0, 0.0, None, 0)
    positive = int(np.searchsorted(data.values, 0.0, side="right"))
    smallest = float(data.values[positive]) if positive < len(data.values) else None
    at_most_zero = int(data.counts[:positive].sum())
    return Extremes(data.n, float(data.values[0]), float(data.values[-1]), smallest, at_most_zero)


def _mean(values: Floats, counts: NDArray[np.int64]) -> float:
    # About the middle value, so that a large common offset does not round the mean.
    origin = float(values[len(values) // 2])
    return origin + float(counts @ (values - origin)) / int(counts.sum())


def joint_power_sums(data: PairCounts, clip: ClipRule | None, *, order: int = HIGHEST_POWER) -> JointPowerSums:
    """Return the joint sums of powers of numerator and denominator, each clipped at its own quantile of the branch."""
    if not len(data.counts):
        return JointPowerSums(0, 0.0, 0.0, ())
    columns = (data.numerator, data.denominator)
    single = int(data.counts.max()) == 1
    limit_x, limit_y = (_limit(column, data.counts, clip) for column in columns)
    x, y = data.numerator, data.denominator
    mean_x, mean_y = (
        _clipped_mean(column, None if single else data.counts, limit)
        for column, limit in zip(columns, (limit_x, limit_y), strict=True)
    )
    products = np.zeros((order + 1, order + 1))
    left, right = (np.ones((order + 1, min(PAIRS, len(x)))) for _ in columns)
    blocks = zip(_blocks(x, limit_x, PAIRS), _blocks(y, limit_y, PAIRS), strict=True)
    for index, (of_x, of_y) in enumerate(blocks):
        width = len(of_x)
        _powers_of(of_x - mean_x, left[1:])
        _powers_of(of_y - mean_y, right[1:])
        if not single:
            left[0, :width] = data.counts[index * PAIRS : index * PAIRS + width]
            left[1:, :width] *= left[0, :width]
        products += left[:, :width] @ right[:, :width].T
    central = tuple(tuple(float(value) for value in row[: order + 1 - i]) for i, row in enumerate(products))
    return JointPowerSums(data.n, mean_x, mean_y, central, min(float(y.min()), limit_y))


def _clipped_mean(column: Floats, counts: NDArray[np.int64] | None, limit: float) -> float:
    if counts is not None:
        return _mean(np.minimum(column, limit), counts)
    return sum(float(block.sum()) for block in _blocks(column, limit, BLOCK)) / len(column)


def _limit(column: Floats, counts: NDArray[np.int64], clip: ClipRule | None) -> float:
    if clip is None:
        return inf
    if counts.max() == 1:
        return quantile_of(column, clip.probability)
    return quantile(merged([ValueCounts(column, counts)]), clip.probability)
