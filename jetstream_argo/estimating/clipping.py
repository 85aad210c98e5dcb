"""Finds pre-treatments that drop far more units than they were asked to: the query and its answer."""

from collections.abc import Iterator, Sequence

from jetstream_argo.estimating.groups import StatisticGroup
from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import Observed, treated
from jetstream_argo.estimating.queries.pretreatments import relation_of
from jetstream_argo.estimating.reading import MetricQueries
from jetstream_argo.sql.text import Sql, fill, union_all
from jetstream_argo.stats.pretreatments import Action, CensorHighestValues, CensorLowestValues, too_many_dropped


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


def drops_by_quantile(observed: Observed) -> bool:
    """Return whether there is anything to ask."""
    return any(step.action is Action.DROP_BY_QUANTILE for step in observed.steps)


def dropped_query(observed: Observed) -> Sql:
    """Return the query for (step, basis, window_index, n, kept), the steps counted from 0, of the segment of all units.

    `n` are the units with a value that a step meets, of all branches, and `kept` those that it leaves; of a ratio,
    both of its first column.
    """
    return fill("estimating/dropped", units=treated(observed), counts=union_all(list(_counts(observed))))


def _counts(observed: Observed) -> Iterator[Sql]:
    units = f"s.{weight(0)}"
    for index, step in enumerate(observed.steps):
        if step.action is not Action.DROP_BY_QUANTILE:
            continue
        before, after = (relation_of(index, place, treats=observed.treats, first="units") for place in (0, 1))
        for relation, n, kept in ((before, units, "0"), (after, "0", units)):
            yield Sql(
                f"SELECT {index} AS step, s.basis, s.window_index, {n} AS n, {kept} AS kept\n"
                f"FROM {relation} AS s\nWHERE s.y IS NOT NULL AND NOT IS_NAN(s.y)"
            )
