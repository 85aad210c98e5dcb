"""Which values have given ranks, without sorting all of them."""

from math import sqrt

import numpy as np

from jetstream_argo.stats.laws import Floats

SAMPLED = 4_096
WORTH = 8 * SAMPLED  # values below which sorting is as fast


def ranked(values: Floats, low: int, high: int) -> Floats:
    """Return the sorted values of the ranks `low` to `high`, counted from 0, both included.

    A sorted sample brackets the ranks; one pass counts what is below and keeps what is inside. If the bracket misses,
    all are sorted, so that the answer is exact for any data.

    Source:
        Floyd and Rivest (1975), Comm. ACM 18:165.
    """
    n = len(values)
    if n < WORTH:
        return np.sort(values)[low : high + 1]
    sample = np.sort(values[:: n // SAMPLED])
    first, last = (rank / (n - 1) * (len(sample) - 1) for rank in (low, high))
    below = int(first - 5 * sqrt(first * (1 - first / len(sample)))) - 5
    above = int(last + 5 * sqrt(last * (1 - last / len(sample)))) + 6
    floor = sample[below] if below >= 0 else -np.inf
    ceiling = sample[above] if above < len(sample) else np.inf
    before = int(np.count_nonzero(values < floor))
    inside = np.compress((values >= floor) & (values <= ceiling), values)
    if before <= low and high < before + len(inside):
        return np.sort(inside)[low - before : high - before + 1]
    return np.sort(values)[low : high + 1]


def quantile_of(values: Floats, probability: float) -> float:
    """Return the linearly interpolated quantile of values in any order; there must be one."""
    position = (len(values) - 1) * probability
    rank = int(position)
    around = ranked(values, rank, min(rank + 1, len(values) - 1))
    return between(float(around[0]), float(around[-1]), position - rank)


def between(low: float, high: float, share: float) -> float:
    """Return the value at a share of the way from `low` to `high`, computed from the nearer end as numpy does."""
    half = 0.5
    return low + (high - low) * share if share < half else high - (high - low) * (1 - share)
