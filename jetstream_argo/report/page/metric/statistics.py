"""All other statistics of a metric in the window that speaks for it."""

from jetstream_argo.report.page.forest import Line, forest
from jetstream_argo.report.page.material import MetricMaterial
from jetstream_argo.report.page.parts import Part, rendered
from jetstream_argo.report.summary import formatting


def statistics(metric: MetricMaterial) -> Part | None:
    """Return what other statistics say: those that compare branches, and those that have a value for each."""
    if metric.headline is None:
        return None
    window, main = metric.headline
    further = [answer for answer in window.further if answer.metric == metric.name]
    if not further:
        return None
    compared = [Line(answer.statistic, window, answer) for answer in (main, *further) if answer.compared]
    alone = [
        (
            answer.statistic,
            branch,
            metric.whole.number(branch),
            formatting.valued(value, answer.about, is_share=answer.is_share),
        )
        for answer in further
        if not answer.compared
        for branch, value in answer.alone
    ]
    table = forest(metric, compared, head="statistic") if len(compared) > 1 else None
    return Part("statistics", "Other statistics", rendered("statistics.html", table=table, alone=alone))
