"""Cuts work that the warehouse refuses until only what cannot be done is left over."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeAlias, TypeVar

from jetstream_argo.errors import (
    AccessDenied,
    InvalidQuery,
    JetstreamArgoError,
    NotFound,
    NotLoaded,
    PartDenied,
    TooBig,
    Unsupported,
)

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class WorkResult:
    """What became of some work: how many queries wrote rows, the failures, by metric, and what is waited for."""

    written: int
    errors: tuple[tuple[str, JetstreamArgoError], ...] = ()
    awaited: tuple[NotLoaded, ...] = ()

    def __add__(self, other: "WorkResult") -> "WorkResult":
        return WorkResult(self.written + other.written, self.errors + other.errors, self.awaited + other.awaited)


@dataclass(frozen=True, slots=True)
class Piece(Generic[Part]):
    """What one query computes: `parts` (columns or metrics) at the dates or windows `first` to `last`, both included.

    These are dates' ordinals or windows' indexes.
    """

    parts: tuple[Part, ...]
    first: int
    last: int

    @property
    def size(self) -> int:
        """How much it is: parts times dates, or times windows."""
        return len(self.parts) * (self.last - self.first + 1)

    def halves(self) -> tuple["Piece[Part]", ...]:
        """Return two pieces: of half the parts, or of half the dates or windows where there is one part.

        There are none of a piece of one part at one date or in one window.
        """
        if len(self.parts) > 1:
            middle = len(self.parts) // 2
            return self.of(self.parts[:middle]), self.of(self.parts[middle:])
        if self.first < self.last:
            middle = (self.first + self.last) // 2
            return Piece(self.parts, self.first, middle), Piece(self.parts, middle + 1, self.last)
        return ()

    def of(self, parts: tuple[Part, ...]) -> "Piece[Part]":
        """Return the same dates or windows of other parts."""
        return Piece(parts, self.first, self.last)


def is_about_a_table(error: JetstreamArgoError) -> bool:
    """Return whether a table, or what it is in, is missing or denied: most often that is what all parts read."""
    return isinstance(error, AccessDenied | NotFound) and not isinstance(error, PartDenied)


class Work(Protocol[Part]):
    """Something that can be done piece by piece."""

    def write(self, piece: Piece[Part]) -> WorkResult:
        """Do a piece in one query."""
        ...

    def check(self, piece: Piece[Part]) -> None:
        """Ask the warehouse, at no cost, whether it would accept the query."""
        ...

    def give_up(self, piece: Piece[Part], error: JetstreamArgoError) -> WorkResult:
        """Record that a piece cannot be done."""
        ...

    def too_big(self, piece: Piece[Part], error: TooBig) -> None:
        """Record that a piece was too big for one query, so that the next run begins with smaller ones."""
        ...


def isolate(work: Work[Part], piece: Piece[Part], *, below: int | None) -> WorkResult:
    """Do a piece in one query if it can be; else find the parts that fail, and do the others.

    A piece of the size `below` or more is cut at once: one of that size was too big before. Of SQL that the warehouse
    refuses it is first asked which parts are wrong, or may not be read, which reads nothing. Only an error that depends
    on the rows, or a query that is too big, is found by doing halves.
    """
    if below is not None and piece.size >= below and piece.halves():
        return _separately(work, piece.halves(), below)
    try:
        return work.write(piece)
    except TooBig as error:
        if not piece.halves():
            return work.give_up(piece, error)
        work.too_big(piece, error)
        return _separately(work, piece.halves(), below)
    except (InvalidQuery, Unsupported, AccessDenied, NotFound) as error:
        if len(piece.parts) == 1:
            return work.give_up(piece, error)
        refused = tuple(_refused(work, piece))
        if not refused:
            # What no part reads all of them write to, and halves would too.
            return work.give_up(piece, error) if is_about_a_table(error) else _separately(work, piece.halves(), below)
        outcome = WorkResult(0)
        for parts, why in refused:
            outcome += work.give_up(piece.of(parts), why)
        bad = {part for parts, _ in refused for part in parts}
        good = tuple(part for part in piece.parts if part not in bad)
        return outcome + (isolate(work, piece.of(good), below=below) if good else WorkResult(0))


def _separately(work: Work[Part], pieces: tuple[Piece[Part], ...], below: int | None) -> WorkResult:
    return sum((isolate(work, piece, below=below) for piece in pieces), start=WorkResult(0))


_Refusal: TypeAlias = InvalidQuery | Unsupported | AccessDenied | NotFound


def _refused(work: Work[Part], piece: Piece[Part]) -> Iterator[tuple[tuple[Part, ...], _Refusal]]:
    """Yield the parts whose SQL the warehouse refuses, with its reason; together those that it refuses for one."""
    error = _refusal(work, piece)
    if error is None:
        return
    if len(piece.parts) == 1 or _denies_all(work, piece, error):
        yield piece.parts, error
        return
    middle = len(piece.parts) // 2
    yield from _refused(work, piece.of(piece.parts[:middle]))
    yield from _refused(work, piece.of(piece.parts[middle:]))


def _refusal(work: Work[Part], piece: Piece[Part]) -> _Refusal | None:
    try:
        work.check(piece)
    except (InvalidQuery, Unsupported, AccessDenied, NotFound) as error:
        return error
    return None


def _denies_all(work: Work[Part], piece: Piece[Part], error: _Refusal) -> bool:
    """Return whether the refusal is of what all parts read, such as their table: asking for each would say no more."""
    if not is_about_a_table(error):
        return False
    ends = (_refusal(work, piece.of((part,))) for part in (piece.parts[0], piece.parts[-1]))
    return all(end is not None and str(end) == str(error) for end in ends)
