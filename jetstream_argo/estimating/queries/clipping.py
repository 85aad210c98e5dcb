"""The query for how many units the pre-treatments drop that judge by a quantile."""

from collections.abc import Iterator

from jetstream_argo.estimating.queries.leaf import weight
from jetstream_argo.estimating.queries.observations import Observed, treated
from jetstream_argo.estimating.queries.pretreatments import relation_of
from jetstream_argo.sql.text import Sql, fill, union_all
from jetstream_argo.stats.pretreatments import Action


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
