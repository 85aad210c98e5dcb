"""In which unit values are summed whose powers would not fit a float, and how estimates come back from it."""

from collections.abc import Sequence
from dataclasses import replace
from math import frexp

from jetstream_argo.stats.rows import Comparison, EstimateRow

LARGE = 1e30  # up to it the eighth powers of many values can be added


def unit_for(largest: float) -> float:
    """Return the unit for values of up to this size: 1, or for very large ones the next power of two.

    >>> unit_for(3000.0), unit_for(3e40) > 3e40
    (1.0, True)
    """
    return 1.0 if not largest > LARGE or largest == float("inf") else 2.0 ** min(frexp(largest)[1], 1023)


def restored(rows: Sequence[EstimateRow], unit: float) -> tuple[EstimateRow, ...]:
    """Return rows of values in this unit as rows of the values themselves; shares of a reference stay."""

    def times(value: float | None) -> float | None:
        return None if value is None else value * unit

    return tuple(
        row
        if row.comparison is Comparison.RELATIVE_UPLIFT
        else replace(
            row,
            point=times(row.point),
            lower=times(row.lower),
            upper=times(row.upper),
            std_error=times(row.std_error),
            expected_loss=times(row.expected_loss),
        )
        for row in rows
    )
