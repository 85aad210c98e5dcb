"""A metric before enrollment, when no branch can have had an effect: a difference there is a fault of the split."""

from jetstream_argo.config.periods import Period
from jetstream_argo.report.page.forest import Line, forest
from jetstream_argo.report.page.material import ALL, MetricMaterial
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.summary.model import Compared


def before(metric: MetricMaterial) -> Part | None:
    """Return the metric's comparisons before enrollment, on all units, and whether they are as they should be."""
    found = [
        (window, answer)
        for window, answer in metric.answers
        if Period(window.period).before_enrollment and window.segment == ALL and answer.compared
    ]
    if not found:
        return None
    lines = [Line(f"{Period(window.period).heading}, {window.basis}", window, answer) for window, answer in found]
    differ = [compared for _, answer in found for compared in answer.compared if _differs(compared)]
    body = rendered("before.html", table=forest(metric, lines, head="days"), branches=_names(differ))
    return Part("before", "Before enrollment", body)


def _differs(compared: Compared) -> bool:
    return any(interval is not None and interval.leaves_out_zero for interval in (compared.difference, compared.uplift))


def _names(compared: list[Compared]) -> list[str]:
    return list(dict.fromkeys(comparison.branch for comparison in compared))
