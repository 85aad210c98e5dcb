"""Drawings of answers as SVG, which need nothing else to be seen."""

from collections.abc import Iterator, Sequence
from html import escape
from math import ceil, floor, log10

from jetstream_argo.report.summary import words
from jetstream_argo.report.summary.model import Compared, Interval, Window

_BAR_WIDTH, _BAR_HEIGHT = 160, 18
_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 150, 36, 44
# Okabe and Ito's colours, which people who are colour-blind tell apart: https://jfly.uni-koeln.de/color/
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
_TICKS = 6


def interval_bar(interval: Interval | None, scale: float) -> str:
    """Return an interval on a scale that reaches from `-scale` to `scale`, with zero in the middle."""
    if interval is None or interval.point is None or interval.lower is None or interval.upper is None or not scale:
        return ""
    middle, half = _BAR_WIDTH / 2, _BAR_WIDTH / 2 - 6
    lower, point, upper = (
        middle + max(-1.0, min(1.0, value / scale)) * half for value in (interval.lower, interval.point, interval.upper)
    )
    y = _BAR_HEIGHT / 2
    return (
        f'<svg width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" role="img" aria-label="{escape(words.uplifted(interval))}">'
        f'<line x1="{middle}" x2="{middle}" y1="0" y2="{_BAR_HEIGHT}" stroke="currentColor" stroke-opacity=".4"/>'
        f'<line x1="{lower:.1f}" x2="{upper:.1f}" y1="{y}" y2="{y}" stroke="{_COLOURS[0]}" stroke-width="3"/>'
        f'<circle cx="{point:.1f}" cy="{y}" r="4" fill="{_COLOURS[0]}"/></svg>'
    )


def uplift_chart(metric: str, windows: Sequence[Window]) -> str:
    """Return the relative uplifts of a metric, an interval for each window and branch, as an SVG document."""
    points = [
        (place, window, compared)
        for place, window in enumerate(windows)
        for answer in window.answers
        if answer.metric == metric
        for compared in answer.compared
        if compared.uplift is not None and compared.uplift.point is not None
    ]
    branches = list(dict.fromkeys(compared.branch for _, _, compared in points))
    ends = [end for _, _, compared in points for end in _ends(compared)]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    margin = (high - low) * 0.08 or 0.01
    axis = _Axis(low - margin, high + margin, len(windows))
    first = windows[0]
    units = "all units" if first.segment == "all" else first.segment
    title = f"{metric}: uplift against {first.reference}, {first.basis}, {units}"
    body = "".join(
        (
            *axis.lines(),
            *axis.labels(windows),
            *(_mark(axis, place, branches, compared) for place, _, compared in points),
            *_legend(branches),
        )
    )
    description = "; ".join(
        f"{window.period} {window.index}, {compared.branch}: {words.uplifted(compared.uplift)}"
        for _, window, compared in points
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>"
        f'<text x="{_LEFT}" y="18" font-size="14" font-weight="600">{escape(title)}</text>{body}</svg>'
    )


class _Axis:
    """Where shares and windows are on the drawing."""

    def __init__(self, low: float, high: float, windows: int) -> None:
        self._low, self._high, self._windows = low, high, windows

    def y(self, share: float) -> float:
        return _TOP + (self._high - share) / (self._high - self._low) * (_HEIGHT - _TOP - _BOTTOM)

    def x(self, place: int, shift: float = 0.0) -> float:
        step = (_WIDTH - _LEFT - _RIGHT) / max(1, self._windows)
        return _LEFT + step * (place + 0.5 + shift)

    def lines(self) -> Iterator[str]:
        """Yield a line for each tick, and a strong one at zero."""
        step = _round_step((self._high - self._low) / _TICKS)
        for tick in range(ceil(self._low / step), floor(self._high / step) + 1):
            share = tick * step
            opacity = ".7" if not tick else ".15"
            y = f"{self.y(share):.1f}"
            yield (
                f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="currentColor" '
                f'stroke-opacity="{opacity}"/>'
            )
            yield f'<text x="{_LEFT - 6}" y="{y}" dy="4" text-anchor="end">{escape(words.plus(share))} %</text>'

    def labels(self, windows: Sequence[Window]) -> Iterator[str]:
        """Yield what each window is, every second or so where there are many."""
        every = max(1, len(windows) // 12)
        for place, window in enumerate(windows):
            if place % every == 0:
                x = f"{self.x(place):.1f}"
                yield f'<text x="{x}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{window.index}</text>'
        name = escape(windows[0].period)
        middle = (_WIDTH - _RIGHT + _LEFT) / 2
        yield f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle">{name}</text>'


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, 20, … times some power of ten that is not below `least`."""
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least)


def _mark(axis: _Axis, place: int, branches: Sequence[str], compared: Compared) -> str:
    uplift = compared.uplift
    if uplift is None or uplift.point is None:
        return ""
    number = branches.index(compared.branch)
    colour = _COLOURS[number % len(_COLOURS)]
    x = f"{axis.x(place, (number - (len(branches) - 1) / 2) * 0.18):.1f}"
    bar = ""
    if uplift.lower is not None and uplift.upper is not None:
        y1, y2 = axis.y(uplift.lower), axis.y(uplift.upper)
        bar = f'<line x1="{x}" x2="{x}" y1="{y1:.1f}" y2="{y2:.1f}" stroke="{colour}" stroke-width="2.5"/>'
    return f'{bar}<circle cx="{x}" cy="{axis.y(uplift.point):.1f}" r="4" fill="{colour}"/>'


def _legend(branches: Sequence[str]) -> Iterator[str]:
    for number, branch in enumerate(branches):
        y = _TOP + 8 + number * 20
        colour = _COLOURS[number % len(_COLOURS)]
        yield f'<circle cx="{_WIDTH - _RIGHT + 18}" cy="{y}" r="5" fill="{colour}"/>'
        yield f'<text x="{_WIDTH - _RIGHT + 30}" y="{y}" dy="4">{escape(branch)}</text>'


def _ends(compared: Compared) -> Iterator[float]:
    uplift = compared.uplift
    if uplift is not None:
        yield from (end for end in (uplift.lower, uplift.point, uplift.upper) if end is not None)
