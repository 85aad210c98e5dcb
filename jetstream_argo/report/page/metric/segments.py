"""A metric by segment, with a warning: many comparisons find a difference somewhere."""

from jetstream_argo.report.page.forest import Line, forest
from jetstream_argo.report.page.material import ALL, MetricMaterial
from jetstream_argo.report.page.naming import span_of
from jetstream_argo.report.page.parts import Part, rendered


def segments(metric: MetricMaterial) -> Part | None:
    """Return the segments in the days, and on the basis, of the metric's headline."""
    if metric.headline is None:
        return None
    main = metric.headline[0]
    pairs = [pair for pair in metric.beside(main) if pair[0].basis == main.basis and pair[1].compared]
    found = [pair for pair in pairs if pair[0].segment != ALL]
    if not found:
        return None
    whole = [pair for pair in pairs if pair[0].segment == ALL]
    lines = [
        Line("all units" if window.segment == ALL else window.segment, window, answer)
        for window, answer in (*whole, *found)
    ]
    count = sum(len(answer.compared) for _, answer in found)
    table = forest(metric, lines, head="segment")
    tests = [
        test
        for test in metric.whole.segment_tests
        if (test.metric, test.period, test.window_index, test.basis)
        == (metric.name, main.period, main.index, main.basis)
    ]
    html = rendered("segments.html", table=table, count=count, span=span_of(main), tests=tests, about=metric.about)
    return Part("segments", "Segments", html)
