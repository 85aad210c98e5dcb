"""The query for the values around some quantiles, of branches with many distinct values."""

from collections.abc import Iterator

from jetstream_argo.sql.needs.summary import FEW_VALUES
from jetstream_argo.sql.needs.units import Observed, treated
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.needs import OrderStatisticsNeed


def runs_query(observed: Observed, need: OrderStatisticsNeed, *, few: int = FEW_VALUES) -> Sql:
    """Return the query for the distinct values that have a rank in some window of `stats.sufficient.rank_window`.

    `vals` is ascending, `first_ranks` and `last_ranks` are those of the units that have the value, counted from 0.
    Branches of at most `few` distinct values have no row.
    """
    near = lines(list(_near(need)), separator=" OR", indent=0)
    return fill("needs/runs", units=treated(observed), few=literal(few), near=near)


def _near(need: OrderStatisticsNeed) -> Iterator[Sql]:
    for probability in need.probabilities:
        p = literal(float(probability))
        # One rank wider than the window, whose ends may be rounded differently here.
        mean, reach = f"(r.n - 1) * {p}", f"({literal(need.spread)} * SQRT((r.n - 1) * {p} * (1 - {p})) + 4)"
        yield Sql(f"(r.upto > {mean} - {reach} AND r.upto - r.units < {mean} + {reach})")
