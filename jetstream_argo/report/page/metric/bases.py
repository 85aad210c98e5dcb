"""A metric on both bases side by side: all units that enrolled, and those that were exposed."""

from jetstream_argo.config.model import Basis
from jetstream_argo.report.page.forest import Line, forest
from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.naming import span_of
from jetstream_argo.report.page.parts import Part, rendered

_NAMES = {Basis.ENROLLMENTS.value: "all that enrolled", Basis.EXPOSURES.value: "those exposed"}


def bases(metric: MetricMaterial) -> Part | None:
    """Return both bases in the days of the metric's headline."""
    if metric.headline is None:
        return None
    main = metric.headline[0]
    found = [pair for pair in metric.beside(main) if pair[0].segment == main.segment and pair[1].compared]
    if len({window.basis for window, _ in found}) <= 1:
        return None
    lines = [Line(_NAMES.get(window.basis, window.basis), window, answer) for window, answer in found]
    body = rendered("bases.html", table=forest(metric, lines, head="units"), span=span_of(main))
    return Part("bases", "Enrolled and exposed units", body)
