"""The section about the decision on each branch by the written rule, with the intervals behind it."""

from jetstream_argo.report.decision.results import decisions, evidence_text
from jetstream_argo.report.decision.rule import Decision
from jetstream_argo.report.page.material import Material
from jetstream_argo.report.page.parts import Part, rendered

_TONES = {Decision.SUCCESS: "good", Decision.HARMED: "bad", Decision.HEALTH_BROKEN: "bad"}


def deciding(material: Material) -> Part | None:
    """Return the decisions; None where no metric has a role by which anything is decided."""
    decided = decisions(material.windows, material.about, material.report.facts)
    if not decided:
        return None
    rows = [
        (branch.branch, branch.outcome.value, _TONES.get(branch.outcome, ""), [*map(evidence_text, branch.evidence)])
        for branch in decided
    ]
    return Part("decision", "Decision", rendered("decision.html", rows=rows))
