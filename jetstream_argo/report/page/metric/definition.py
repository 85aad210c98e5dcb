"""The definition and analysis of a metric: its SQL, its source, its statistics."""

from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.parts import Part, rendered


def definition(metric: MetricMaterial) -> Part | None:
    """Return the definition, where the record has one."""
    method = metric.whole.method.metrics.get(metric.name)
    if method is None:
        return None
    return Part("definition", "Definition", rendered("definition.html", about=metric.about, method=method))
