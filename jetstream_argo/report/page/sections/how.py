"""The section about how all of it was computed: the queries, the plan, and what the columns mean."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered


def how(material: Material) -> Part:
    """Return the method."""
    return Part("method", "Method", rendered("how.html", method=material.method, plan=material.plan))
