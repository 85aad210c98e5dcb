"""Scales values whose powers would fit no float, and brings estimates back to their own scale."""

from collections.abc import Sequence
from dataclasses import replace
from math import frexp, isfinite

from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason

LARGE = 1e30  # up to it the eighth powers of many values can be added
SMALL = 1e-20  # down to it the eighth powers of their deviations are floats, if these are not mere rounding


def scale_for(largest: float) -> float:
    """Return the scale for values of up to this size: 1, or for very large or small ones the next power of two.

    >>> scale_for(3000.0), scale_for(3e40) > 3e40, scale_for(3e-40) < 1e-39
    (1.0, True, True)
    """
    if not largest or SMALL <= largest <= LARGE or not isfinite(largest):
        return 1.0
    return float(2.0 ** min(max(frexp(largest)[1], -1022), 1023))


def restored(rows: Sequence[EstimateRow], scale: float) -> tuple[EstimateRow, ...]:
    """Return rows of values on this scale as rows of the values themselves; shares of a reference stay.

    What fits no float then is None, and its row says so.
    """
    return tuple(row if row.comparison is Comparison.RELATIVE_UPLIFT else _restored(row, scale) for row in rows)


def _restored(row: EstimateRow, scale: float) -> EstimateRow:
    lost = False

    def times(value: float) -> float | None:
        nonlocal lost
        if isfinite(value * scale):
            return value * scale
        lost = True
        return None

    found = row.rescaled(times)
    return replace(found, reason=row.reason or Reason.OVERFLOW) if lost else found
