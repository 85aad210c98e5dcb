"""Axes of a drawing: where numbers are on it, and which of them are written beside it."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10

_LARGEST = 1e300  # beyond, differences are no floats
_MARGIN = 0.06


@dataclass(frozen=True, slots=True)
class Axis:
    """Numbers from `low` to `high`, which differ."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """Return where a number is: 0 at the low end, 1 at the high one; what is beyond is at the end.

        >>> Axis(-1, 3).at(0), Axis(-1, 3).at(9)
        (0.25, 1.0)
        """
        return min(1.0, max(0.0, (_bounded(value) - self.low) / (self.high - self.low)))

    def ticks(self, about: int) -> tuple[float, ...]:
        """Return round numbers in equal steps, about so many.

        >>> Axis(-0.013, 0.031).ticks(5)
        (-0.01, 0.0, 0.01, 0.02, 0.03)
        """
        step = _round_step((self.high - self.low) / about)
        if not step:
            return ()
        first, last = ceil(self.low / step), floor(self.high / step)
        return tuple(float(f"{number * step:.12g}") for number in range(first, last + 1))


def axis_of(values: Iterable[float | None], *, with_zero: bool = True) -> Axis:
    """Return an axis with room for all values, and for zero.

    >>> axis_of([0.0, None, 1.0])
    Axis(low=-0.06, high=1.06)
    >>> axis_of([]), axis_of([5.0], with_zero=False)
    (Axis(low=-1.0, high=1.0), Axis(low=2.5, high=7.5))
    """
    found = [_bounded(value) for value in values if value is not None and isfinite(value)]
    if with_zero or not found:
        found.append(0.0)
    low, high = min(found), max(found)
    if low == high:
        half = abs(low) / 2 or 1.0
        return Axis(low - half, high + half)
    margin = (high - low) * _MARGIN
    return Axis(low - margin, high + margin)


def _bounded(value: float) -> float:
    return max(-_LARGEST, min(_LARGEST, value))


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, … times some power of ten that is not below `least`; 0 for none."""
    if not isfinite(least) or least < 1e-300:  # noqa: PLR2004  # the smallest floats have no powers of ten left
        return 0.0
    power = 10.0 ** floor(log10(least))
    return next((factor * power for factor in (1, 2, 5, 10) if factor * power >= least), 10 * power)
