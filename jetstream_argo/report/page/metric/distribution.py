"""A metric's distribution by branch: densities and cumulated shares where they were estimated, or else its deciles."""

from collections.abc import Mapping, Sequence
from math import log10

from markupsafe import Markup

from jetstream_argo.report.page.material import MetricMaterial, preference
from jetstream_argo.report.page.naming import span_of, units_of
from jetstream_argo.report.page.parts import Part, rendered, tabbed
from jetstream_argo.report.page.svg.axes import Axis
from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.lines import Chart, Label, Point, Series, drawn, ticks, vertical
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Curve, DecileTable, MetricAbout, PointInterval, Window

_NAMES = {
    "kernel_density_estimate": ("Density", "density of units"),
    "empirical_cdf": ("Cumulated", "share of units at or below the value"),
}
_MOST_POINTS = 160  # of a line: more than a screen tells apart
_MOST_ROWS = 12  # of the table behind a line
_SKEWED = 0.12  # where half of a grid's points lie below this share of its range, it was made for a log scale
_EDGE = 0.03  # of the width, for zero on a log scale

Points = Mapping[str, Sequence[tuple[float, PointInterval]]]


def distribution(metric: MetricMaterial) -> Part | None:
    """Return a chart for each curve that was estimated of the metric."""
    panels = []
    for statistic in dict.fromkeys(curve.statistic for _, curve in metric.curves):
        window, curve = min(
            ((window, curve) for window, curve in metric.curves if curve.statistic == statistic),
            key=lambda pair: preference(pair[0]),
        )
        panels.append(_curve_panel(metric, window, curve))
    if not panels and metric.deciles:
        window, table = min(metric.deciles, key=lambda pair: preference(pair[0]))
        panels.append(_decile_panel(metric, window, table))
    return Part("distribution", "Distribution", tabbed(panels, label="Curves")) if panels else None


def _curve_panel(metric: MetricMaterial, window: Window, curve: Curve) -> tuple[str, Markup]:
    name, what = _NAMES.get(curve.statistic, (curve.statistic, curve.statistic))
    along = _Along(curve.points)
    is_share = curve.statistic == "empirical_cdf"
    series = tuple(
        Series(
            branch,
            metric.whole.number(branch),
            tuple(
                Point(along.at(value), interval.point, interval.lower, interval.upper)
                for value, interval in _thinned(points, _MOST_POINTS)
            ),
        )
        for branch, points in curve.points.items()
    )
    axis = vertical(series)
    chart = Chart(
        title=f"{metric.name}: {what}, by branch",
        series=series,
        labels=along.labels(curve.about),
        below=metric.name,
        written=tuple((tick, _tick(tick, is_share=is_share)) for tick in ticks(axis) if tick >= 0),
        axis=axis,
    )
    rows = {
        branch: [
            (
                formatting.number(value),
                formatting.percent(interval.point) if is_share else formatting.number(interval.point),
            )
            for value, interval in _thinned(points, _MOST_ROWS)
        ]
        for branch, points in curve.points.items()
    }
    return name, _panel(chart, f"{what.capitalize()}, {span_of(window)}, {units_of(window)}", rows, what)


def _decile_panel(metric: MetricMaterial, window: Window, table: DecileTable) -> tuple[str, Markup]:
    """Return the deciles themselves as lines: the value along the share of units below it."""
    series = tuple(
        Series(
            branch,
            metric.whole.number(branch),
            tuple(_decile(share, values.get(branch), branch, table.about) for share, values, _ in table.rows),
        )
        for branch in table.branches
    )
    axis = vertical(series)
    chart = Chart(
        title=f"{metric.name}: deciles by branch",
        series=series,
        labels=tuple(Label(share, f"{share:.0%}") for share, _, _ in table.rows[:: max(1, len(table.rows) // 9)]),
        below="share of units below",
        written=tuple(
            (tick, formatting.valued(PointInterval(tick), table.about, is_share=False)) for tick in ticks(axis)
        ),
        axis=axis,
    )
    return "Deciles", _panel(
        chart, f"Value that a share of units is below, {span_of(window)}, {units_of(window)}", {}, ""
    )


def _decile(share: float, value: PointInterval | None, branch: str, about: MetricAbout) -> Point:
    if value is None or value.point is None:
        return Point(share, None)
    tip = f"{branch}, {share:.0%}: {formatting.valued(value, about, is_share=False)}"
    return Point(share, value.point, value.lower, value.upper, tip)


def _panel(chart: Chart, caption: str, rows: Mapping[str, list[tuple[str, str]]], what: str) -> Markup:
    """Return the chart; the table has some of the points, since all of them are in the results."""
    table = rendered("points.html", rows=rows, what=what) if rows else Markup()
    return rendered("chart.html", chart=chart, drawing=markup(drawn(chart)), caption=caption, table=table)


def _thinned(points: Sequence[tuple[float, PointInterval]], most: int) -> list[tuple[float, PointInterval]]:
    """Return at most `most` of the points, evenly, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(place * (len(points) - 1) / (most - 1))] for place in range(most)]


def _tick(value: float, *, is_share: bool) -> str:
    return f"{value:.0%}".replace("%", " %") if is_share else formatting.number(value)


class _Along:
    """Where a metric's values are along a chart: on a log scale where the points were made for one."""

    def __init__(self, curves: Points) -> None:
        values = sorted(value for points in curves.values() for value, _ in points)
        low, high = values[0], values[-1]
        middle = values[len(values) // 2]
        positive = next((value for value in values if value > 0), 0.0)
        self._is_log = low >= 0 < positive < high and middle - low < _SKEWED * (high - low)
        self._positive = positive
        ends = (log10(positive), log10(high)) if self._is_log else (low, high)
        self._axis = Axis(*ends) if ends[0] < ends[1] else Axis(ends[0] - 1, ends[1] + 1)

    def at(self, value: float) -> float:
        """Return where a value is, from 0 to 1; zero has the left edge of a log scale."""
        if not self._is_log:
            return self._axis.at(value)
        return _EDGE + (1 - _EDGE) * self._axis.at(log10(value)) if value > 0 else 0.0

    def labels(self, about: MetricAbout) -> tuple[Label, ...]:
        """Return the values that are written below."""
        if self._is_log:
            first, last = int(-(-self._axis.low // 1)), int(self._axis.high // 1)
            step = max(1, -(-(last - first + 1) // 6))
            values = [10.0**power for power in range(first, last + 1, step)] or [self._positive]
        else:
            values = list(self._axis.ticks(5))
        return tuple(
            Label(self.at(value), formatting.valued(PointInterval(value), about, is_share=False)) for value in values
        )
