"""Sums the values of every branch, clipped at quantiles of their own, in one pass over a column.

The quantiles are not known before the values were read. But a sample says above what they are; the few values above
that are kept, and their part of the sums is put right in the end.
"""

from dataclasses import dataclass, field
from math import inf, sqrt

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.moments import HIGHEST_POWER, PowerSums
from jetstream_argo.stats.reduce import add_powers
from jetstream_argo.stats.select import between

BLOCK = 2**15  # values that stay in a processor's cache
SAMPLED = 3 * 4096
SURE = 5.0  # standard deviations of a rank in the sample


@dataclass(slots=True)
class _Branch:
    """The sums of powers about `center` of values cut at `floor`; how many are just that, and the larger ones."""

    center: float
    floor: float
    n: int = 0
    n_at: int = 0
    least: float = inf
    most: float = -inf
    sums: list[float] = field(default_factory=lambda: [0.0] * (HIGHEST_POWER + 1))
    above: list[Floats] = field(default_factory=list)

    def take(self, values: Floats, room: Floats) -> None:
        """Add values, which are overwritten."""
        if not len(values):
            return
        self.n += len(values)
        self.least, self.most = min(self.least, float(values.min())), max(self.most, float(values.max()))
        if self.most >= self.floor:
            self.n_at += int(np.count_nonzero(values == self.floor))
            self.above.append(np.compress(values > self.floor, values))
            np.minimum(values, self.floor, out=values)
        values -= self.center
        add_powers(self.sums, values, room)

    def clipped(self, probability: float) -> PowerSums | None:
        """Return the sums of the values clipped at this quantile; None where the sample did not tell where it is."""
        position = (self.n - 1) * probability
        above = np.sort(np.concatenate(self.above)) if self.above else np.empty(0)
        # Places from the end of the values at the floor.
        place = int(position) - (self.n - len(above))
        if place < -self.n_at or not self.n_at + len(above):
            return None
        next_place = min(place + 1, len(above) - 1)
        low, high = (self.floor if one < 0 else float(above[one]) for one in (place, next_place))
        limit = between(low, high, position - int(position))
        room = np.empty((HIGHEST_POWER // 2, len(above)))
        add_powers(self.sums, np.full(len(above), self.floor - self.center), room, sign=-1.0)
        add_powers(self.sums, np.minimum(above, limit) - self.center, room)
        self.most = min(self.most, limit)
        return self.whole()

    def whole(self) -> PowerSums:
        """Return the sums of the values as they are."""
        return PowerSums.from_sums_about(self.center, [float(self.n), *self.sums[1:]], self.least, self.most)


def clipped_power_sums(
    codes: NDArray[np.int8], values: Floats, probability: float | None, *, branches: int
) -> list[PowerSums | None]:
    """Return the power sums of every branch, clipped at its quantile of this probability, or whole; values are finite.

    None for a branch of which another pass is needed.
    """
    step = max(len(values) // SAMPLED, 1)
    some, of_some = values[::step], codes[::step]
    found = [_begun(np.sort(some[of_some == code]), probability) for code in range(branches)]
    room = np.empty((HIGHEST_POWER // 2, 0))
    for start in range(0, len(values), BLOCK):
        part, of = values[start : start + BLOCK], codes[start : start + BLOCK]
        for code, branch in enumerate(found):
            mine = part.take(np.flatnonzero(of == code))
            if len(mine) > room.shape[1]:
                room = np.empty((HIGHEST_POWER // 2, len(mine) + len(mine) // 8))
            branch.take(mine, room)
    if probability is None:
        return [branch.whole() for branch in found]
    return [branch.clipped(probability) if branch.n else branch.whole() for branch in found]


def _begun(sample: Floats, probability: float | None) -> _Branch:
    if not len(sample):
        return _Branch(0.0, -inf if probability is not None else inf)
    if probability is None:
        return _Branch(float(sample.mean()), inf)
    rank = (len(sample) - 1) * probability
    below = int(rank - SURE * sqrt(rank * (1 - probability))) - 5
    floor = float(sample[below]) if below >= 0 else -inf
    return _Branch(float(np.minimum(sample, max(floor, float(sample[0]))).mean()), floor)
