"""What it cost: rows and bytes read, time and jobs, by data source."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.summary.words import bytes_text


def cost(material: Material) -> Part | None:
    """Return the costs of everything that is on record; None where nothing is."""
    sources = material.report.sources
    if not sources:
        return None
    nodes = [each.cost for each in material.report.nodes]
    totals = {
        "bytes": bytes_text(sum(each.bytes for each in nodes)),
        "seconds": sum(each.seconds for each in nodes),
        "jobs": sum(each.jobs for each in nodes),
        "slot_hours": sum(each.slot_ms for each in nodes) / 3_600_000,
    }
    return Part("cost", "Cost", rendered("cost.html", sources=sources, totals=totals, bytes_text=bytes_text))
