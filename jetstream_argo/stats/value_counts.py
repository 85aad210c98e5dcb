"""Reduces value counts to anything smaller: quantiles, clipped values, moments, power sums."""

from math import inf

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.moments import HIGHEST_POWER, Moments, PowerSums
from jetstream_argo.stats.needs import ClipRule
from jetstream_argo.stats.sufficient import Extremes, ValueCounts


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
    share, half = position - rank, 0.5
    # From the nearer end, as numpy does.
    return low + (high - low) * share if share < half else high - (high - low) * (1 - share)


def clipped(data: ValueCounts, clip: ClipRule | None) -> ValueCounts:
    """Return the value counts after values above their quantile were replaced by it."""
    limit = quantile(data, clip.probability) if clip is not None and len(data.values) else inf
    if not len(data.values) or data.values[-1] <= limit:
        return data
    kept = int(np.searchsorted(data.values, limit))
    values = np.r_[data.values[:kept], limit]
    return ValueCounts(values, np.r_[data.counts[:kept], data.counts[kept:].sum()])


def moments(data: ValueCounts) -> Moments:
    """Return count, mean and sum of squares about the mean."""
    if not len(data.values):
        return Moments(0, 0.0, 0.0)
    mean = _mean(data.values, data.counts)
    return Moments(data.n, mean, float(data.counts @ (data.values - mean) ** 2))


def power_sums(data: ValueCounts) -> PowerSums:
    """Return the sums of powers about the mean, to the 8th."""
    if not len(data.values):
        return PowerSums(0, 0.0, (0.0,) * (HIGHEST_POWER + 1), 0.0, 0.0)
    mean = _mean(data.values, data.counts)
    deviation = data.values - mean
    central = _powers(deviation, data.counts * deviation)
    return PowerSums(data.n, mean, (float(data.n), 0.0, *central), float(data.values[0]), float(data.values[-1]))


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
