"""Cuts dates, windows and numbers into ranges without a gap."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from jetstream_argo.plan.windows import AnalysisWindow

T = TypeVar("T")


def ranges(items: Iterable[T], *, follows: Callable[[T, T], bool]) -> list[tuple[T, ...]]:
    """Cut items, in order, into the longest ranges in which each follows the one before.

    >>> ranges("abda", follows=lambda before, after: ord(after) == ord(before) + 1)
    [('a', 'b'), ('d',), ('a',)]
    """
    found: list[list[T]] = []
    for item in items:
        if found and follows(found[-1][-1], item):
            found[-1].append(item)
        else:
            found.append([item])
    return [tuple(together) for together in found]


def consecutive(numbers: Iterable[int]) -> list[tuple[int, ...]]:
    """Cut numbers, in order, into ranges without a gap."""
    return ranges(numbers, follows=lambda before, after: after == before + 1)


def contiguous(windows: Sequence[AnalysisWindow]) -> list[tuple[AnalysisWindow, ...]]:
    """Cut windows, in order, into ranges without a gap."""
    return ranges(windows, follows=lambda before, after: after.index == before.index + 1)
