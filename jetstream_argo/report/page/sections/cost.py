"""The section about costs: rows and bytes read, time and jobs, by data source."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.summary.formatting import bytes_text


def cost(material: Material) -> Part | None:
    """Return the costs of everything that is on record; None where nothing is."""
    sources = material.report.sources
    if not sources:
        return None
    nodes = [node.cost for node in material.report.nodes]
    totals = {
        "bytes": bytes_text(sum(cost.bytes for cost in nodes)),
        "seconds": sum(cost.seconds for cost in nodes),
        "jobs": sum(cost.jobs for cost in nodes),
        "slot_hours": sum(cost.slot_ms for cost in nodes) / 3_600_000,
    }
    return Part("cost", "Cost", rendered("cost.html", sources=sources, totals=totals, bytes_text=bytes_text))
