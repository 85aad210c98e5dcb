"""A metric's chart over time as a document of its own, as a notebook shows it or a file keeps it."""

from collections.abc import Sequence

from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.measure import measure_of
from jetstream_argo.report.page.metric.over_time import chart_of
from jetstream_argo.report.page.naming import units_of
from jetstream_argo.report.page.page import sheet
from jetstream_argo.report.page.svg.standalone import standalone
from jetstream_argo.report.summary.model import Answer, Window


def metric_drawing(metric: MetricMaterial, pairs: Sequence[tuple[Window, Answer]]) -> str:
    """Return an SVG document of a metric in windows of one period, a mark for each window and branch."""
    measure = measure_of((answer for _, answer in pairs), metric.about)
    title = f"{metric.name}: {measure.name} against {metric.whole.reference}, {units_of(pairs[0][0])}"
    return standalone(chart_of(metric, pairs), title, style=sheet("drawing.css"))
