"""The section about whether the experiment is sound: what was checked, and what was found."""

from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered


def soundness(material: Material) -> Part | None:
    """Return the checks, alarms first; None where nothing was checked."""
    checks = sorted(material.report.facts.health, key=lambda check: not check.alarm)
    if not checks:
        return None
    return Part("health", "Health", rendered("health.html", checks=checks))
