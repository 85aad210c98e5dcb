"""Says of values that are unknown, since their units were deleted upstream, how many they are and whom that leaves."""

from collections.abc import Iterator, Mapping, Sequence

from jetstream_argo.plan.model import Experiment, Metric, MetricStatistics
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.run.context import Context
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, literal, table
from jetstream_argo.store.entries import Entry
from jetstream_argo.store.marks import counted_marks
from jetstream_argo.terminal.plural import counted


def units_left(context: Context, entry: Entry) -> dict[str, object]:
    """Return, by window and branch, how many units of a batch of values were deleted upstream, and how many were not.

    Windows in which all values are known are left out.
    """
    sql = (
        "-- One row per window and branch: its units that were deleted upstream, and the others.\n"
        "SELECT v.window_index, v.branch, COUNTIF(v.reason IS NOT NULL) AS deleted,\n"
        "  COUNTIF(v.reason IS NULL) AS units\n"
        f"FROM {table(entry.table)} AS v\n"
        f"WHERE v.window_index BETWEEN {literal(entry.first_window)} AND {literal(entry.last_window)}\n"
        f"  AND v.batch IN ({entry.batch or 0})\n"
        "GROUP BY v.window_index, v.branch\nORDER BY v.window_index, v.branch\n"
    )
    found: dict[str, dict[str, list[int]]] = {}
    for window, branch, deleted, left in context.engine.query(Sql(sql), labels=context.labels()).rows:
        found.setdefault(str(window), {})[str(branch)] = [int(str(deleted)), int(str(left))]
    return {window: branches for window, branches in found.items() if any(gone for gone, _ in branches.values())}


def deleted_notes(context: Context, leaf: MetricStatistics, windows: Sequence[AnalysisWindow]) -> Iterator[str]:
    """Yield by basis and window how many values of a metric are not known, and how the other units are split."""
    metric = context.plan.metric(leaf.metric)
    for name in metric.depends_on or (metric.name,):
        yield from _of_metric(context, context.plan.metric(name), leaf, windows)


def _of_metric(
    context: Context, metric: Metric, leaf: MetricStatistics, windows: Sequence[AnalysisWindow]
) -> Iterator[str]:
    for basis in metric.bases:
        batches = context.ledger.batches_in(
            names.values(context.plan, basis, metric.source, leaf.period), metric.column
        )
        for window in windows:
            entry = batches[window.index].entry if window.index in batches else None
            marks = counted_marks(entry).get(window.index) if entry is not None else None
            if marks:
                yield f"{metric.name} ({basis.value}, window {window.index}) {_note(context.plan.experiment, marks)}"


def _note(experiment: Experiment, marks: Mapping[str, Sequence[int]]) -> str:
    parts = [f"{marks.get(branch, (0, 0))[0]} in {branch}" for branch in experiment.branches]
    text = f"leaves out units that were deleted upstream: {', '.join(parts)}; "
    left = [marks.get(branch, (0, 0))[1] for branch in experiment.branches]
    shares = experiment.branch_shares
    if not experiment.sample_ratio_alarm or len(shares) != len(left) or len(left) < 2:  # noqa: PLR2004  # a split
        return text + "nothing says how the others should be split"
    if not sum(left):
        return text + "no unit is left"
    from jetstream_argo.stats.checks import split_test  # loads scipy

    test = split_test(left, shares)
    p_value = test.p_value
    if p_value is None:
        return text + f"the {counted(sum(left), 'unit')} that are left are too few to check their split"
    if test.is_alarm(experiment.sample_ratio_alarm, experiment.sample_ratio_deviation):
        return text + f"those that are left are not split as designed (p = {p_value:.1g}): doubt the estimates"
    return text + f"those that are left are split as designed (p = {p_value:.2g})"
