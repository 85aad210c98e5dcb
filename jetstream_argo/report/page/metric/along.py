"""The positions of windows along a chart over time."""

from collections.abc import Sequence

from jetstream_argo.report.page.svg.lines import Label
from jetstream_argo.report.summary.model import Window

_MOST_LABELS = 8


def at(place: int, count: int) -> float:
    """Return where the middle of one of `count` equal steps is, from 0 to 1.

    >>> at(0, 2), at(1, 2)
    (0.25, 0.75)
    """
    return (place + 0.5) / count


def labels(windows: Sequence[Window]) -> tuple[Label, ...]:
    """Return the numbers of the windows, every second or so where there are many."""
    step = -(-len(windows) // _MOST_LABELS)
    return tuple(
        Label(at(place, len(windows)), str(window.index)) for place, window in enumerate(windows) if not place % step
    )
