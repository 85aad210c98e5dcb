"""Cuts a metric's estimates into portions where the warehouse calls the whole too big."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jetstream_argo.config.model import Basis
from jetstream_argo.estimating.queries.leaf import HashRange
from jetstream_argo.plan.windows import AnalysisWindow

# How finely a portion can be done: in how many ranges of units, and how often buckets of values are cut further.
_RANGES = (1, 4, 16)
_CUTS = (0, 1, 3)
FINEST = len(_RANGES) - 1


@dataclass(frozen=True, slots=True)
class Share:
    """What of some windows is estimated: in these bases and segments, by their places; None stands for all.

    `fineness` changes no number: so often units are read in more ranges of their hashes, and values are cut into
    smaller buckets before these are put in order.
    """

    bases: tuple[Basis, ...] | None = None
    segments: tuple[int, ...] | None = None
    fineness: int = 0

    def segments_of(self, number: int) -> tuple[int, ...]:
        """Return the places of its segments, of so many."""
        return tuple(range(number)) if self.segments is None else self.segments

    @property
    def ranges(self) -> tuple[HashRange, ...]:
        """The ranges of units in which stored tables are read; none where they are read at once."""
        number = _RANGES[self.fineness]
        return tuple(HashRange(index, number) for index in range(number)) if self.fineness else ()

    @property
    def cuts(self) -> int:
        """How often buckets of values are cut further."""
        return _CUTS[self.fineness]


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Size:
    """How big a portion is: its windows times bases times segments, and how finely a single one of these is done."""

    cells: int
    fineness: int = 0

    def reaches(self, other: "Size") -> bool:
        """Return whether a portion of this size is as big as one of the other, or bigger."""
        if self.cells == other.cells == 1:
            return self.fineness <= other.fineness
        return self.cells >= other.cells


@dataclass(frozen=True, slots=True)
class Portion:
    """Windows, and bases and segments in them, that are estimated together."""

    windows: tuple[AnalysisWindow, ...]
    bases: tuple[Basis, ...]
    segments: tuple[int, ...]
    fineness: int = 0

    @property
    def size(self) -> Size:
        """How big it is."""
        return Size(len(self.windows) * len(self.bases) * len(self.segments), self.fineness)

    @property
    def share(self) -> Share:
        """What of the windows it is."""
        return Share(self.bases, self.segments, self.fineness)

    def smaller(self) -> tuple["Portion", ...]:
        """Return portions that are together this one, in the order of results; none where it cannot be cut further.

        Windows are cut first, as they share the least, then bases, then segments. What is left is done more finely.
        """
        if len(self.windows) > 1:
            middle = len(self.windows) // 2
            return tuple(replace(self, windows=part) for part in (self.windows[:middle], self.windows[middle:]))
        if len(self.bases) > 1:
            return tuple(replace(self, bases=(basis,)) for basis in self.bases)
        if len(self.segments) > 1:
            middle = len(self.segments) // 2
            return tuple(replace(self, segments=part) for part in (self.segments[:middle], self.segments[middle:]))
        if self.fineness < FINEST:
            return (replace(self, fineness=self.fineness + 1),)
        return ()

    def was_too_big(self, refused: Iterable[Size]) -> bool:
        """Return whether a portion that was refused was no bigger."""
        return any(self.size.reaches(size) for size in refused)
