"""Selects the values of given ranks, without sorting all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats

SAMPLED = 4_096
BLOCK = 2**15
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
    before, parts = 0, []
    for start in range(0, n, BLOCK):  # each part is read from memory once
        part = values[start : start + BLOCK]
        before += int(np.count_nonzero(part < floor))
        parts.append(np.compress((part >= floor) & (part <= ceiling), part))
    inside = np.concatenate(parts)
    if before <= low and high < before + len(inside):
        return np.sort(inside)[low - before : high - before + 1]
    return np.sort(values)[low : high + 1]


@dataclass(frozen=True, slots=True, eq=False)
class Buckets:
    """Values gathered in at most `BUCKETS` ranges, by the leading bits of their floats, in the order of their size.

    `bucket` is the range of each value, `upto` how many values lie in it or below. Values of one range differ by less
    than a 256th of their size, unless they span more than 256 powers of two.
    """

    values: Floats
    bucket: NDArray[np.int32]
    upto: NDArray[np.int64]

    @classmethod
    def of(cls, values: Floats) -> "Buckets":
        """Return the buckets of finite values; there must be one."""
        # Floats are ordered as their bits are, the negative ones downwards.
        bits = values.view(np.int64)
        low = int(bits.min())
        if low < 0:
            bits = (values + 0.0).view(np.int64)  # makes -0.0 a 0
            bits = bits ^ ((bits >> 63) & np.int64(2**63 - 1))
            low = int(bits.min())
        shift = max((int(bits.max()) - low).bit_length() - BUCKETS.bit_length() + 1, 0)
        # The difference of keys of both signs may need 64 bits without a sign.
        place = (bits - np.int64(low)).view(np.uint64)
        place >>= np.uint64(shift)
        bucket = place.astype(np.int32)
        return cls(values, bucket, np.cumsum(np.bincount(bucket)))

    def ranked(self, windows: Sequence[tuple[int, int]]) -> list[Floats]:
        """Return the sorted values of each window's ranks, counted from 0, both ends included."""
        firsts, lasts = (np.searchsorted(self.upto, [w[end] for w in windows], side="right") for end in (0, 1))
        kept = np.zeros(len(self.upto), dtype=bool)
        for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
            kept[first : last + 1] = True
        inside = np.sort(np.compress(kept[self.bucket], self.values))
        sizes = np.diff(self.upto, prepend=0)
        # How many of the values below a bucket are not among those inside.
        skipped = np.cumsum(np.where(kept, 0, sizes))
        return [
            inside[low - int(skipped[first]) : high - int(skipped[last]) + 1]
            for (low, high), first, last in zip(windows, firsts.tolist(), lasts.tolist(), strict=True)
        ]


BUCKETS = 2**16


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
