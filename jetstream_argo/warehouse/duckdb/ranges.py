"""The values of a column that a file holds, and those that a query wants."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = int | str

_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_WHOLE = ("INT64", "INTEGER", "INT")


@dataclass(frozen=True, slots=True)
class Range:
    """The least and the greatest value of a column in a file, both None where all are NULL; dates are ISO texts."""

    least: Value | None
    greatest: Value | None
    nulls: bool


@dataclass(frozen=True, slots=True)
class ValueRange:
    """Values from `least` to `greatest`, if they are given; the ends are left out where it is `strict`."""

    least: Value | None
    greatest: Value | None
    strict: bool = False

    def meets(self, found: Range) -> bool:
        """Return whether a value of the range may lie in the interval."""
        below = self.least is not None and _before(found.greatest, self.least, strict=self.strict)
        above = self.greatest is not None and _before(self.greatest, found.least, strict=self.strict)
        return not below and not above


@dataclass(frozen=True, slots=True)
class Bound:
    """Rows that are wanted have, in `column`, a value in one of the intervals; without intervals, NULL.

    `column` is in lower case.
    """

    column: str
    intervals: tuple[ValueRange, ...]

    def fits(self, type_: str) -> bool:
        """Return whether the ends are of the column's type, written as ranges have them."""
        ends = [end for interval in self.intervals for end in (interval.least, interval.greatest) if end is not None]
        if type_ in _WHOLE:
            return all(isinstance(end, int) for end in ends)
        if type_ == "DATE":
            return all(isinstance(end, str) and _DATE.match(end) for end in ends)
        return type_ == "STRING" and all(isinstance(end, str) for end in ends)

    def admits(self, found: Range) -> bool:
        """Return whether a file with such values may have a row that is wanted."""
        if not self.intervals:
            return found.nulls
        return found.least is not None and any(interval.meets(found) for interval in self.intervals)


Bounds: TypeAlias = tuple[Bound, ...]


def of_partition(value: str | None, type_: str) -> Range | None:
    """Return the range of the partition column in a file that is all of one partition."""
    if value is None:
        return Range(None, None, nulls=True)
    if type_ in _WHOLE:
        return Range(int(value), int(value), nulls=False)
    return Range(value, value, nulls=False) if type_ == "DATE" else None


def named(bounds: Sequence[Bound]) -> str:
    """Return a text that is the same for the same bounds."""
    return ";".join(f"{bound.column}={bound.intervals!r}" for bound in bounds)


def _before(left: Value | None, right: Value | None, *, strict: bool) -> bool:
    """Whether a value is less than another, or not more where the other is left out; of other types it is not."""
    if isinstance(left, int) and isinstance(right, int):
        return left <= right if strict else left < right
    if isinstance(left, str) and isinstance(right, str):
        return left <= right if strict else left < right
    return False
