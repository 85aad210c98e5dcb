"""Checks the dates of an experiment."""

from datetime import date

FIRST = date(2000, 1, 1)
LAST = date(2100, 12, 31)
LONGEST_DAYS = 3660  # ten years: of an experiment, of its enrollment, of a window's distance from it


def sane(day: date) -> date:
    """Return `day` if experiments may have it.

    Raises:
        ValueError: they may not.
    """
    if not FIRST <= day <= LAST:
        raise ValueError(f"write a date between {FIRST} and {LAST}")
    return day
