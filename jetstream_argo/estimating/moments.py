"""Turns sums on a scale of their own into moments in the metric's unit."""

from collections.abc import Sequence
from math import inf

from jetstream_argo.estimating.reading import QueryRow
from jetstream_argo.stats.moments import Moments


def moments_on_scale(row: QueryRow, n: int, place: tuple[str, str], sums: Sequence[str]) -> Moments:
    """Return the moments of `n` values, by the columns of their centre and scale, and of the first two sums."""
    about = Moments.from_sums_about(0.0, n, row.number(sums[0]), row.number(sums[1]))
    scale = row.number(place[1])
    return Moments(n, row.number(place[0]) + about.mean * scale, rescaled(about.m2, scale, 2))


def rescaled(value: float, scale: float, power: int) -> float:
    """Return a sum of powers in the metric's unit; infinite where that fits no float."""
    try:
        return value * scale**power
    except OverflowError:
        return inf if value > 0 else -inf if value < 0 else 0.0
