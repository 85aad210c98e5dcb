"""Intervals as bars on one scale, for the rows of a table."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from xml.etree.ElementTree import Element

from markupsafe import Markup

from jetstream_argo.report.page.svg.axes import Axis, axis_of
from jetstream_argo.report.page.svg.elements import element, markup, percent, pixels
from jetstream_argo.report.page.svg.marks import mark, series_class
from jetstream_argo.report.summary.model import PointInterval

_HEIGHT, _HEAD = 26, 18
_TICKS = 4
_NEAR_END = 0.12  # of the width
_APART = 0.28  # of the width: what a number takes
_ORDINARY = 4  # times the median of the intervals' far ends: what is beyond leaves the scale, and has an arrow


@dataclass(frozen=True, slots=True)
class Scale:
    """The scale that all bars of a table share, with its ticks."""

    axis: Axis
    ticks: tuple[float, ...]


def scale_of(intervals: Iterable[PointInterval | None]) -> Scale:
    """Return a scale for all intervals but those that are much wider than most."""
    ends = [
        [end for end in (interval.lower, interval.point, interval.upper) if end is not None]
        for interval in intervals
        if interval is not None
    ]
    far = [max(map(abs, found)) for found in ends if found]
    most = median(far) * _ORDINARY if far else 0.0
    axis = axis_of(max(-most, min(most, end)) if most else end for found in ends for end in found)
    return Scale(axis, axis.ticks(_TICKS))


def scale_head(scale: Scale, written: Callable[[float], str]) -> Markup:
    """Return the scale's numbers, as they are `written`, to stand above the bars."""
    places = [(scale.axis.at(tick), written(tick)) for tick in _apart(scale)]
    labels = [element("text", text=text, x=percent(x), y=12, text_anchor=_anchor(x)) for x, text in places]
    return markup(_bar(*labels, height=_HEAD))


def interval_bar(interval: PointInterval | None, scale: Scale, *, number: int) -> Markup:
    """Return an interval as a bar with the mark of branch `number`; its numbers stand beside, so it is not read out."""
    lines = [_line(scale.axis.at(tick), "zero" if not tick else "grid") for tick in scale.ticks]
    if interval is None or interval.point is None:
        return markup(_bar(*lines))
    middle = _HEIGHT / 2
    drawn: list[Element] = []
    if interval.lower is not None and interval.upper is not None:
        left, right = scale.axis.at(interval.lower), scale.axis.at(interval.upper)
        ends = {"x1": percent(left), "x2": percent(right), "y1": pixels(middle), "y2": pixels(middle)}
        drawn.append(element("line", class_=f"interval {series_class(number)}", **ends))
        drawn += [_arrow(0.0, "M7,-5L0,0L7,5", number)] if interval.lower < scale.axis.low else []
        drawn += [_arrow(1.0, "M-7,-5L0,0L-7,5", number)] if interval.upper > scale.axis.high else []
    if scale.axis.low <= interval.point <= scale.axis.high:
        drawn.append(mark(number, x=scale.axis.at(interval.point), y=middle))
    return markup(_bar(*lines, *drawn))


def _anchor(x: float) -> str:
    """Return how a label lies to its place, so that it does not leave the bar's cell at either end."""
    if x < _NEAR_END:
        return "start"
    return "end" if x > 1 - _NEAR_END else "middle"


def _bar(*children: Element, height: int = _HEIGHT) -> Element:
    return element("svg", *children, class_="bar", width="100%", height=height, aria_hidden="true")


def _line(x: float, kind: str) -> Element:
    return element("line", class_=kind, x1=percent(x), x2=percent(x), y1=0, y2="100%")


def _arrow(x: float, path: str, number: int) -> Element:
    """Return the head of an arrow: the interval goes on beyond the scale."""
    shape = element("path", d=path, class_="arrow")
    where = {"x": percent(x), "y": pixels(_HEIGHT / 2)}
    return element("svg", shape, overflow="visible", class_=series_class(number), **where)


def _apart(scale: Scale) -> list[float]:
    """Return the ticks that are written: zero and those farthest from it first, as far as there is room."""
    chosen: list[float] = []
    for tick in sorted(scale.ticks, key=lambda value: (value != 0, -abs(value))):
        if all(abs(scale.axis.at(tick) - scale.axis.at(other)) >= _APART for other in chosen):
            chosen.append(tick)
    return chosen
