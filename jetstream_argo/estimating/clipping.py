"""Finds pre-treatments that drop far more units than they were asked to."""

from collections.abc import Iterator, Sequence

from jetstream_argo.estimating.groups import StatisticGroup
from jetstream_argo.estimating.queries.clipping import dropped_query, drops_by_quantile
from jetstream_argo.estimating.reading import MetricQueries
from jetstream_argo.stats.pretreatments import CensorHighestValues, CensorLowestValues, too_many_dropped


def dropped_notes(groups: Sequence[StatisticGroup], queries: MetricQueries) -> Iterator[str]:
    """Yield a note for each step and group of statistics of which ties made more than twice the asked share leave.

    One query for each group that drops by a quantile; others ask nothing. The note tells of the worst window, and of
    all units: a share without them has none.
    """
    for group in groups:
        observed = next(queries.observed(group, queries.windows))
        if not drops_by_quantile(observed) or 0 not in observed.segments:
            continue
        found: dict[int, tuple[float, int, int, int]] = {}
        for row in queries.table(dropped_query(observed)):
            n, step = row.whole("n"), group.steps[row.whole("step")]
            dropped = n - row.whole("kept")
            if not isinstance(step, CensorHighestValues | CensorLowestValues):
                continue
            if too_many_dropped(step, n=n, dropped=dropped):
                worst = (dropped / n, dropped, n, row.whole("window_index"))
                found[row.whole("step")] = max(found.get(row.whole("step"), worst), worst)
        names = ", ".join(sorted(statistic.name for statistic in group.asked))
        for index, (_, dropped, n, window) in sorted(found.items()):
            step = group.steps[index]
            if isinstance(step, CensorHighestValues | CensorLowestValues):
                kind = "highest" if isinstance(step, CensorHighestValues) else "lowest"
                share = 1 - step.fraction if kind == "highest" else step.fraction
                yield (
                    f"{names}: censor_{kind}_values drops {dropped} of {n} units in window {window}, "
                    f"where {share:.2g} of them were asked for, because many share one value"
                )
