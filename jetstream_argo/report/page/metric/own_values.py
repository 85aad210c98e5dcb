"""A metric's own values over time, branch by branch, where no branch is compared with another."""

from collections.abc import Iterator, Sequence

from markupsafe import Markup

from jetstream_argo.config.periods import along_time
from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.metric.along import at, labels
from jetstream_argo.report.page.naming import below
from jetstream_argo.report.page.parts import Part, rendered, tabbed
from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.lines import Chart, Point, Series, drawn, ticks, vertical
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import Answer, PointInterval, Window


def own_values(metric: MetricMaterial) -> Part | None:
    """Return a chart for each period of which there are several windows; None where branches are compared."""
    panels = []
    for period in along_time():
        pairs = metric.of_period(period.value)
        if len(pairs) > 1 and not any(answer.compared for _, answer in pairs):
            panels.append((period.heading, _panel(metric, pairs)))
    return Part("values", "Over time", tabbed(panels, label="Windows")) if panels else None


def _panel(metric: MetricMaterial, pairs: Sequence[tuple[Window, Answer]]) -> Markup:
    branches = list(dict.fromkeys(branch for _, answer in pairs for branch, _ in answer.alone))
    series = tuple(Series(branch, metric.whole.number(branch), tuple(_points(branch, pairs))) for branch in branches)
    axis = vertical(series)
    first = pairs[0][1]
    chart = Chart(
        title=f"{metric.name}: values by branch by {below(pairs[0][0].period)}, with intervals",
        series=series,
        labels=labels([window for window, _ in pairs]),
        below=below(pairs[0][0].period),
        written=tuple((tick, _text(PointInterval(tick), first)) for tick in ticks(axis)),
        axis=axis,
    )
    rows = [
        (f"{window.index}: {window.days}", [_text(dict(answer.alone).get(branch), answer) for branch in branches])
        for window, answer in pairs
    ]
    table = rendered("by_branch.html", head="window", rows=rows, branches=branches)
    caption = "Values; bands are intervals"
    return rendered("chart.html", chart=chart, drawing=markup(drawn(chart)), caption=caption, table=table)


def _points(branch: str, pairs: Sequence[tuple[Window, Answer]]) -> Iterator[Point]:
    for place, (window, answer) in enumerate(pairs):
        value = dict(answer.alone).get(branch)
        if value is None or value.point is None:
            yield Point(at(place, len(pairs)), None)
        else:
            tip = f"{branch}, {window.days}: {_text(value, answer)}"
            yield Point(at(place, len(pairs)), value.point, value.lower, value.upper, tip)


def _text(value: PointInterval | None, answer: Answer) -> str:
    return formatting.valued(value, answer.about, is_share=answer.is_share)
