"""The section about what is not there: metrics that failed, are missing or outdated, and why."""

from dataclasses import dataclass

from jetstream_argo.report.failures import of_node
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered


@dataclass(frozen=True, slots=True)
class Absent:
    """A metric that lacks results."""

    metric: str
    period: str
    windows: str
    standing: str
    message: str


def lacking(material: Material) -> Part | None:
    """Return what is lacking; None where all is there."""
    rows = [
        Absent(
            metric.metric,
            metric.period.replace("_", " "),
            _windows(metric.first_window, metric.last_window),
            metric.standing.value,
            f"{metric.error}: {metric.message}" if metric.error else metric.note,
        )
        for metric in material.report.lacking
    ]
    known = {metric.name for metric in material.metrics} | {metric.metric for metric in material.report.metrics}
    rows += [
        Absent(name, "", "", "missing", "no result yet")
        for name, metric in material.method.metrics.items()
        if name not in known and metric.statistics
    ]
    nodes = [of_node(failure) for failure in material.report.of_nodes]
    if not rows and not nodes:
        return None
    return Part("lacking", "Failed or missing", rendered("lacking.html", rows=rows, nodes=nodes))


def _windows(first: int | None, last: int | None) -> str:
    if first is None or last is None:
        return ""
    return str(first) if first == last else f"{first} to {last}"
