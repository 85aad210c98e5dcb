"""Cuts work up front into pieces that fit into the memory of a query, where it is known how much that is.

A warehouse in a process that is given more than fits spills it to disk, reads it again, and may refuse it all the same;
in pieces of some dates or windows each the same rows take a fraction of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

from jetstream_argo.run.context import Context
from jetstream_argo.run.sparse import units_assigned
from jetstream_argo.run.splitting import Piece
from jetstream_argo.sql import names

Part = TypeVar("Part")
T = TypeVar("T")

_MIB = 1 << 20
# Twice what was measured of rows while they are grouped, joined and put in order: a query holds more than these.
_ROW_BYTES = 400
_COLUMN_BYTES = 40


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a query holds at once of a date or a window: so many rows, of so many columns."""

    rows: int
    columns: int

    @property
    def bytes(self) -> int:
        """About how much memory it takes."""
        return self.rows * (_ROW_BYTES + _COLUMN_BYTES * self.columns)

    def at_once(self, memory_mib: int | None) -> int | None:
        """Return how many of them fit into the memory of a query, one at least; None where all do."""
        if memory_mib is None or not self.rows:
            return None
        return max(1, memory_mib * _MIB // self.bytes)


def footprint(context: Context, columns: int) -> Footprint:
    """Return what all units that were assigned take of a date or a window, if each has a row there."""
    units = units_assigned(context.ledger, names.assignments(context.plan), context.currency().units.batches)
    return Footprint(units, columns)


def fitting_pieces(context: Context, piece: Piece[Part]) -> tuple[Piece[Part], ...]:
    """Return a piece as pieces of about one size, each of which fits into the memory of a query."""
    most = footprint(context, len(piece.parts)).at_once(context.engine.memory_mib)
    cut = evenly(range(piece.first, piece.last + 1), most)
    return tuple(Piece(piece.parts, part[0], part[-1]) for part in cut)


def evenly(items: Sequence[T], most: int | None) -> tuple[Sequence[T], ...]:
    """Cut items into pieces of not more than `most`, whose lengths differ by one at most; None stands for any number.

    >>> evenly("abcdefg", 3)
    ('ab', 'cd', 'efg')
    >>> evenly("abcdefg", None)
    ('abcdefg',)
    """
    number = 1 if most is None else max(1, -(-len(items) // most))
    ends = [len(items) * index // number for index in range(number + 1)]
    return tuple(items[first:last] for first, last in pairwise(ends))
