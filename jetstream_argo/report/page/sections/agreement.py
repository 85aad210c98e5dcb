"""The section about the estimates of the existing system: how far these agree with them, and why not."""

from jetstream_argo.report.agreement import NEAR
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered


def agreement(material: Material) -> Part | None:
    """Return a line for each statistic; None where nothing was compared."""
    found = material.agreements
    if not found:
        return None
    totals = {
        "equal": sum(own.equal for own in found),
        "near": sum(own.near for own in found),
        "far": sum(own.far for own in found),
        "unexplained": sum(own.unexplained for own in found),
    }
    return Part("agreement", "Beside Jetstream", rendered("agreement.html", found=found, totals=totals, near=NEAR))
