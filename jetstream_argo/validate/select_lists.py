"""What the lists of a query hold: the columns it selects, groups by and joins on, each list's members in order."""

import re
from dataclasses import dataclass, field

from jetstream_argo.sql.text import Sql

_TOKEN = re.compile(
    r"""--[^\n]* | '(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*`
    | (?P<block>\((?=\s*(?:SELECT|WITH)\b)) | (?P<open>[(\[]) | (?P<close>[)\]]) | (?P<comma>,)
    | (?P<clause>\b(?:SELECT|FROM|WHERE|GROUP\s+BY|HAVING|QUALIFY|WINDOW|ORDER\s+BY|LIMIT|JOIN|ON|UNION|WITH)\b)""",
    re.VERBOSE,
)


@dataclass(slots=True)
class Item:
    """A member of a list: `text` without its inner queries, in whose place their numbers stand.

    `start` and `end` are where it is in the query, without its comma and the space after it.
    """

    start: int
    end: int = 0
    text: str = ""
    has_query: bool = False


@dataclass(slots=True)
class Listing:
    """What follows one keyword, up to the next of the same SELECT. `depth` is 0 outside of all inner queries."""

    clause: str
    depth: int
    items: list[Item] = field(default_factory=list)


def listings(sql: Sql) -> tuple[Listing, ...]:
    """Return the lists of a query, in the order of their keywords. Commas within a function's brackets part none."""
    reading = _Reading(sql)
    for token in _TOKEN.finditer(sql):
        reading.meet(token)
    return reading.done()


def without(sql: Sql, lists: tuple[Listing, ...], kept: list[list[bool]]) -> Sql:
    """Return the query without the items that are not `kept`; every list must keep one."""
    cuts: list[tuple[int, int]] = []
    for listing, keeps in zip(lists, kept, strict=True):
        items = listing.items
        last = max((position for position, keep in enumerate(keeps) if keep), default=-1)
        for position, keep in enumerate(keeps):
            if not keep and position < last:
                cuts.append((items[position].start, items[position + 1].start))
            elif not keep:
                cuts.append((items[position - 1].end, items[position].end))
    parts, at = [], 0
    for start, end in sorted(cuts):
        parts.append(sql[at:start])
        at = end
    return Sql("".join([*parts, sql[at:]]))


class _Reading:
    """The lists so far, and those that are open: one for each query around the place that is read."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._all: list[Listing] = []
        self._open: list[Listing] = []
        self._brackets: list[str] = []
        self._at = 0
        self._begin("", 0)

    def meet(self, token: re.Match[str]) -> None:
        """Go on to the end of a token."""
        kind = token.lastgroup
        if kind == "block":
            item = self._until(token.end())
            item.text += str(len(self._all))  # a query is like no other
            item.has_query = True
            self._brackets.append(kind)
            self._begin("", token.end())
        elif kind == "open":
            self._brackets.append(kind)
        elif kind == "close" and self._brackets:
            if self._brackets.pop() == "block":
                self._end(token.start())
                self._open.pop()
        elif kind in ("comma", "clause") and (not self._brackets or self._brackets[-1] == "block"):
            self._end(token.start())
            if kind == "comma":
                self._item(token.end())
            else:
                self._open.pop()
                self._begin(" ".join(token[0].split()), token.end())

    def done(self) -> tuple[Listing, ...]:
        """Return all of them."""
        self._end(len(self._sql))
        return tuple(self._all)

    def _begin(self, clause: str, at: int) -> None:
        listing = Listing(clause, len(self._open))
        self._all.append(listing)
        self._open.append(listing)
        self._item(at)

    def _item(self, at: int) -> None:
        self._open[-1].items.append(Item(at))
        self._at = at

    def _until(self, at: int) -> Item:
        item = self._open[-1].items[-1]
        item.text += self._sql[self._at : at]
        self._at = at
        return item

    def _end(self, at: int) -> None:
        item = self._until(at)
        item.end = at - len(item.text) + len(item.text.rstrip())
