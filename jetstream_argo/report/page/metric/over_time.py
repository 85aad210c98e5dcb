"""A metric over time: window after window, and cumulated, with bands."""

from collections.abc import Sequence

from markupsafe import Markup

from jetstream_argo.config.periods import along_time
from jetstream_argo.report.page.forest import Line, forest
from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.measure import Measure, measure_of
from jetstream_argo.report.page.metric.along import at, labels
from jetstream_argo.report.page.naming import below
from jetstream_argo.report.page.parts import Part, rendered, tabbed
from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.lines import Chart, Point, Series, drawn, ticks, vertical
from jetstream_argo.report.summary.model import Answer, Window


def over_time(metric: MetricMaterial) -> Part | None:
    """Return a chart for each period of which there are several windows."""
    panels = []
    for period in along_time():
        pairs = [pair for pair in metric.of_period(period.value) if pair[1].compared]
        if len(pairs) > 1:
            panels.append((period.heading, _panel(metric, pairs)))
    if not panels:
        return None
    return Part("time", "Over time", tabbed(panels, label="Windows"))


def chart_of(metric: MetricMaterial, pairs: Sequence[tuple[Window, Answer]]) -> Chart:
    """Return the chart of a metric in windows of one period."""
    measure = measure_of((answer for _, answer in pairs), metric.about)
    branches = dict.fromkeys(compared.branch for _, answer in pairs for compared in answer.compared)
    series = tuple(_series(metric, branch, pairs, measure) for branch in branches)
    axis = vertical(series)
    period = pairs[0][0].period
    return Chart(
        title=f"{metric.name}: {measure.name} against {metric.whole.reference} by {below(period)}, with intervals",
        series=series,
        labels=labels([window for window, _ in pairs]),
        below=below(period),
        written=tuple((tick, measure.tick(tick)) for tick in ticks(axis)),
        axis=axis,
    )


def _panel(metric: MetricMaterial, pairs: Sequence[tuple[Window, Answer]]) -> Markup:
    chart = chart_of(metric, pairs)
    lines = [Line(f"{window.index}: {window.days}", window, answer) for window, answer in pairs]
    return rendered(
        "chart.html",
        chart=chart,
        drawing=markup(drawn(chart)),
        caption=f"{measure_of((answer for _, answer in pairs), metric.about).name.capitalize()} "
        f"against {metric.whole.reference}; bands are intervals",
        table=forest(metric, lines, head="window", bars=False),
    )


def _series(metric: MetricMaterial, branch: str, pairs: Sequence[tuple[Window, Answer]], measure: Measure) -> Series:
    points = []
    for place, (window, answer) in enumerate(pairs):
        compared = next((comparison for comparison in answer.compared if comparison.branch == branch), None)
        interval = measure.of(compared) if compared is not None else None
        x = at(place, len(pairs))
        if interval is None or interval.point is None:
            points.append(Point(x, None))
        else:
            tip = f"{branch}, {window.days}: {measure.text(interval)}"
            points.append(Point(x, interval.point, interval.lower, interval.upper, tip))
    return Series(branch, metric.whole.number(branch), tuple(points))
