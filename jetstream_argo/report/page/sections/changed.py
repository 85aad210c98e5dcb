"""The section about what changed since the last page."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered


def changed(material: Material) -> Part | None:
    """Return what the last work added and replaced; None where nothing was estimated yet."""
    if material.changes is None:
        return None
    return Part("changes", "What changed", rendered("changes.html", changes=material.changes))
