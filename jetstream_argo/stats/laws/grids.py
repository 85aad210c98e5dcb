"""Grids of points over a branch's values, and how many values are at or below each point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import Extremes, ValueCounts

AT_ONCE = 15_000  # values; small arrays come from memory that the process has already


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The points, ascending; whether 0 precedes them as a point of its own; and a remark for the rows.

    `is_log` says that they are even in their logarithms.
    """

    points: Floats
    zero_first: bool = False
    is_log: bool = False
    reason: Reason | None = None

    def with_zero(self) -> Floats:
        """Return the points, the 0 that precedes them too."""
        return np.r_[0.0, self.points] if self.zero_first else self.points


def grid(span: Extremes, *, grid_size: int, log_space: bool) -> Grid:
    """Return the points between a branch's smallest and largest value, evenly spaced, or evenly in their logarithms.

    With 0 as the smallest value a log grid begins at the smallest positive one, and 0 precedes it. A log grid of
    negative values, or of zeros only, is impossible: it is even then, with a reason. There must be a value.
    """
    if log_space and (span.minimum < 0 or span.maximum <= 0 or span.smallest_positive is None):
        return Grid(_even(span, grid_size), reason=Reason.LINEAR_GRID)
    if not log_space or span.smallest_positive is None:
        return Grid(_even(span, grid_size))
    points = np.geomspace(span.smallest_positive, span.maximum, grid_size)
    return Grid(points, zero_first=span.minimum == 0, is_log=True)


def _even(span: Extremes, grid_size: int) -> Floats:
    return np.linspace(span.minimum, span.maximum, grid_size)


def cumulative(values: Floats, points: Grid) -> tuple[int, ...]:
    """Return how many values are at most each point of the grid that begins and ends with them, or after a 0."""
    at = points.points
    last = len(at) - 1
    if not last or at[-1] <= at[0]:
        return tuple(int(np.count_nonzero(values <= one)) for one in at)
    steps = np.zeros(last + 1, np.int64)
    before = 0
    for start in range(0, len(values), AT_ONCE):
        part = values[start : start + AT_ONCE]
        if points.zero_first:
            inside = np.compress(part >= at[0], part)
            before += len(part) - len(inside)
        else:
            inside = part
        steps += np.bincount(_places(inside, points), minlength=last + 1)
    return tuple((np.cumsum(steps) + before).tolist())


def _places(values: Floats, points: Grid) -> NDArray[np.int32]:
    """The first point of the grid that is not below each value."""
    at = points.points
    last = len(at) - 1
    if points.is_log:
        place = np.log(values)
        place -= np.log(at[0])
        place *= last / (np.log(at[-1]) - np.log(at[0]))
    else:
        place = values - at[0]
        place *= last / (at[-1] - at[0])
    # Up to rounding; then exactly.
    index = np.clip(np.ceil(place, out=place), 0, last, out=place).astype(np.int32)
    index += values > at[index]
    index -= (index > 0) & (values <= at[index - 1])
    return index


def counts_up_to(data: ValueCounts, points: Floats) -> tuple[int, ...]:
    """Return how many values are at most each point."""
    after = np.r_[0, np.cumsum(data.counts)]
    return tuple(after[np.searchsorted(data.values, points, side="right")].tolist())
