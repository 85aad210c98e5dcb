"""A metric's deciles: how the difference goes along the distribution, and the numbers behind it."""

from collections.abc import Sequence

from markupsafe import Markup

from jetstream_argo.report.page.material import MetricMaterial, preference
from jetstream_argo.report.page.measure import Measure
from jetstream_argo.report.page.naming import span_of, units_of
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.page.svg.elements import markup
from jetstream_argo.report.page.svg.lines import Chart, Label, Point, Series, drawn, ticks, vertical
from jetstream_argo.report.summary import formatting
from jetstream_argo.report.summary.model import DecileTable, PointInterval, Window


def deciles(metric: MetricMaterial) -> Part | None:
    """Return the deciles of the window that speaks for the metric, or else of the first that has them."""
    if not metric.deciles:
        return None
    window, table = min(metric.deciles, key=lambda pair: preference(pair[0]))
    compared = any(differences for _, _, differences in table.rows)
    chart = difference_chart(metric, table) if compared else None
    body = rendered(
        "deciles.html",
        drawing=markup(drawn(chart)) if chart is not None else Markup(),
        chart=chart,
        caption=f"Difference against {metric.whole.reference} of the value that a share of units is below, "
        f"{span_of(window)}, {units_of(window)}; bands are intervals",
        branches=table.branches,
        others=[branch for branch in table.branches if branch != window.reference] if compared else [],
        reference=window.reference,
        rows=_rows(table, window),
    )
    return Part("deciles", "Deciles", body)


def difference_chart(metric: MetricMaterial, table: DecileTable) -> Chart:
    """Return the differences of the deciles as lines along the shares of units."""
    measure = Measure(is_uplift=False, about=table.about, scale=_scale(table))
    branches = dict.fromkeys(branch for _, _, differences in table.rows for branch in differences)
    series = tuple(
        Series(
            branch,
            metric.whole.number(branch),
            tuple(
                _point(share, differences.get(branch), f"{branch}, {share:.0%}", measure)
                for share, _, differences in table.rows
            ),
        )
        for branch in branches
    )
    axis = vertical(series)
    return Chart(
        title=f"{metric.name}: differences of deciles against {metric.whole.reference}, with intervals",
        series=series,
        labels=tuple(Label(share, f"{share:.0%}") for share, _, _ in table.rows[:: max(1, len(table.rows) // 9)]),
        below="share of units below",
        written=tuple((tick, measure.tick(tick)) for tick in ticks(axis)),
        axis=axis,
    )


def _point(share: float, interval: PointInterval | None, name: str, measure: Measure) -> Point:
    if interval is None or interval.point is None:
        return Point(share, None)
    return Point(share, interval.point, interval.lower, interval.upper, f"{name}: {measure.text(interval)}")


def _rows(table: DecileTable, window: Window) -> Sequence[tuple[str, list[str], list[str]]]:
    """Return, for each share, the values of the branches and the differences of those that are compared."""
    others = [branch for branch in table.branches if branch != window.reference]
    measure = Measure(is_uplift=False, about=table.about, scale=_scale(table))
    return [
        (
            f"{share:.0%}".replace("%", " %"),
            [formatting.valued(values.get(branch), table.about, is_share=False) for branch in table.branches],
            [measure.text(differences.get(branch)) for branch in others],
        )
        for share, values, differences in table.rows
    ]


def _scale(table: DecileTable) -> float:
    points = [abs(value.point) for _, values, _ in table.rows for value in values.values() if value.point is not None]
    return max(points, default=0.0)
