"""Grids of points over a branch's values, and how many values are at or below each point."""

from dataclasses import dataclass

import numpy as np

from jetstream_argo.stats.laws.continuous import Floats
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import Extremes, ValueCounts


@dataclass(frozen=True, slots=True, eq=False)
class CurvePoints:
    """The points, ascending; whether 0 precedes them as a point of its own; and a remark for the rows."""

    points: Floats
    zero_first: bool = False
    reason: Reason | None = None

    def with_zero(self) -> Floats:
        """Return the points, the 0 that precedes them too."""
        return np.r_[0.0, self.points] if self.zero_first else self.points


def grid(span: Extremes, *, grid_size: int, log_space: bool) -> CurvePoints:
    """Return the points between a branch's smallest and largest value, evenly spaced, or evenly in their logarithms.

    With 0 as the smallest value a log grid begins at the smallest positive one, and 0 precedes it. A log grid of
    negative values, or of zeros only, is impossible: it is even then, with a reason. There must be a value.
    """
    if log_space and (span.minimum < 0 or span.maximum <= 0 or span.smallest_positive is None):
        return CurvePoints(_even(span, grid_size), reason=Reason.LINEAR_GRID)
    if not log_space or span.smallest_positive is None:
        return CurvePoints(_even(span, grid_size))
    points = np.geomspace(span.smallest_positive, span.maximum, grid_size)
    return CurvePoints(points, zero_first=span.minimum == 0)


def _even(span: Extremes, grid_size: int) -> Floats:
    return np.linspace(span.minimum, span.maximum, grid_size)


def counts_up_to(data: ValueCounts, points: Floats) -> tuple[int, ...]:
    """Return how many values are at most each point."""
    after = np.r_[0, np.cumsum(data.counts)]
    return tuple(after[np.searchsorted(data.values, points, side="right")].tolist())
