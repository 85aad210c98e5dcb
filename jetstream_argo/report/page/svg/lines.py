"""Lines with bands: one chart for whatever goes along something: windows, dates, shares of units, values."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.etree.ElementTree import Element

from jetstream_argo.report.page.svg.axes import Axis, axis_of
from jetstream_argo.report.page.svg.elements import element, percent, pixels
from jetstream_argo.report.page.svg.marks import mark, series_class

HEIGHT = 230
LEFT, RIGHT = 66, 14  # the room that numbers need beside a chart; the style sheet leaves as much
_TOP, _BOTTOM = 12, 40
_TICKS = 5
_WIDE = 1000  # units across: the parts that are stretched to their place's width
_FEW = 45  # points of a line that have a mark each


@dataclass(frozen=True, slots=True)
class Point:
    """A place from 0 to 1 along, a number with its band, and what shows on hovering; without a number, a gap."""

    x: float
    y: float | None
    lower: float | None = None
    upper: float | None = None
    tip: str = ""


@dataclass(frozen=True, slots=True)
class Series:
    """The line of a branch; `number` is its place among the branches, 0 for the reference branch."""

    name: str
    number: int
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Label:
    """What stands below the chart at a place from 0 to 1."""

    x: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart. `title` says in words what it shows, for readers who do not see it.

    `labels` and `below` stand under the chart, `written` has the numbers of `axis` that stand to the left.
    """

    title: str
    series: tuple[Series, ...]
    labels: tuple[Label, ...]
    below: str
    written: tuple[tuple[float, str], ...]
    axis: Axis


def vertical(series: Iterable[Series], *, with_zero: bool = True) -> Axis:
    """Return the axis that has room for all of the lines and bands."""
    points = [point for line in series for point in line.points]
    return axis_of(
        (end for point in points for end in (point.y, point.lower, point.upper)),
        with_zero=with_zero,
    )


def ticks(axis: Axis) -> tuple[float, ...]:
    """Return the numbers that are written to the left."""
    return axis.ticks(_TICKS)


def drawn(chart: Chart) -> Element:
    """Return the chart, as wide as its place; the numbers beside it reach out of it to the left."""
    plot = HEIGHT - _TOP - _BOTTOM
    inside = element(
        "svg",
        *_grid(chart, plot),
        *(_shapes(chart, plot)),
        *(part for line in chart.series for part in _marks(line, chart.axis, plot)),
        *_below(chart, plot),
        y=_TOP,
        width="100%",
        height=plot,
        overflow="visible",
    )
    return element(
        "svg",
        inside,
        class_="chart",
        width="100%",
        height=HEIGHT,
        overflow="visible",
        role="img",
        aria_label=chart.title,
    )


def _grid(chart: Chart, plot: float) -> Iterator[Element]:
    for value, text in chart.written:
        y = pixels(_down(value, chart.axis, plot))
        yield element("line", class_="zero" if not value else "grid", x1=0, x2="100%", y1=y, y2=y)
        yield element("text", text=text, x=-8, y=y, dy=4, text_anchor="end")


def _below(chart: Chart, plot: float) -> Iterator[Element]:
    for label in chart.labels:
        yield element("text", text=label.text, x=percent(label.x), y=pixels(plot + 16), text_anchor="middle")
    yield element("text", text=chart.below, class_="below", x="50%", y=pixels(plot + 33), text_anchor="middle")


def _shapes(chart: Chart, plot: float) -> Iterator[Element]:
    """Yield what is stretched to the place's width: bands, then lines."""
    shapes = [
        *(band for series in chart.series for band in _bands(series, chart.axis, plot)),
        *(line for series in chart.series for line in _lines(series, chart.axis, plot)),
    ]
    size = {"viewBox": f"0 0 {_WIDE} {pixels(plot)}", "preserveAspectRatio": "none"}
    yield element("svg", *shapes, width="100%", height=pixels(plot), overflow="visible", **size)


def _bands(series: Series, axis: Axis, plot: float) -> Iterator[Element]:
    for run in _runs(series.points, banded=True):
        if len(run) > 1:
            top = [_place(point.x, point.upper, axis, plot) for point in run]
            bottom = [_place(point.x, point.lower, axis, plot) for point in reversed(run)]
            yield element("polygon", class_=f"band {series_class(series.number)}", points=" ".join(top + bottom))


def _lines(series: Series, axis: Axis, plot: float) -> Iterator[Element]:
    for run in _runs(series.points, banded=False):
        if len(run) > 1:
            places = " ".join(_place(point.x, point.y, axis, plot) for point in run)
            yield element("polyline", class_=f"line {series_class(series.number)}", points=places)


def _marks(series: Series, axis: Axis, plot: float) -> Iterator[Element]:
    """Yield a mark for each point, with its interval, where they are few enough to be told apart."""
    if len(series.points) > _FEW:
        return
    for point in series.points:
        if point.y is None:
            continue
        if point.lower is not None and point.upper is not None:
            x = percent(point.x)
            ends = {"y1": pixels(_down(point.lower, axis, plot)), "y2": pixels(_down(point.upper, axis, plot))}
            yield element("line", class_=f"whisker {series_class(series.number)}", x1=x, x2=x, **ends)
        yield mark(series.number, x=point.x, y=_down(point.y, axis, plot), tip=point.tip)


def _runs(points: Sequence[Point], *, banded: bool) -> Iterator[list[Point]]:
    """Yield the points that follow one another without a gap."""

    def is_there(point: Point) -> bool:
        ends = (point.lower, point.upper) if banded else ()
        return None not in (point.y, *ends)

    for there, run in groupby(points, key=is_there):
        if there:
            yield list(run)


def _place(x: float, value: float | None, axis: Axis, plot: float) -> str:
    return f"{x * _WIDE:.0f},{pixels(_down(value or 0.0, axis, plot))}"


def _down(value: float, axis: Axis, plot: float) -> float:
    return plot * (1 - axis.at(value))
