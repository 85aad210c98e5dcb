"""The queries for distributions on a grid, of branches with many distinct values."""

from jetstream_argo.estimating.queries.observations import Observed, long_rows
from jetstream_argo.estimating.queries.ranks import power
from jetstream_argo.estimating.queries.summary import FEW_VALUES
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.stats.needs import DensityNeed, GridNeed

# As `stats.density` has them; loading it loads numpy.
BINS = 4
TERMS = 13
# Bandwidths from a grid's point beyond which a unit adds less than 1e-36 of the kernel's height.
REACH = 13.0
# Bandwidths from 0 up to which bins can be numbered.
MOST = 2.0**50


def grid_query(observed: Observed, need: GridNeed, *, few: int = FEW_VALUES) -> Sql:
    """Return the query for how many values lie up to each point of the branch's grid, and above the point before.

    `points` are the points, counted from 0, that have any, and `counts` says how many. Branches of at most `few`
    distinct values have no row.
    """
    return fill("estimating/grid", placed=_placed(observed, need, few, with_deviation=False))


def bins_query(observed: Observed, need: DensityNeed, *, few: int = FEW_VALUES) -> Sql:
    """Return the query for the moments of values in bins a quarter of the bandwidth wide.

    Values too far from every point of the grid to matter are left out. `boxes` are the bins' numbers and `moment_k`
    the sums of `((y - middle) / bandwidth) ** k`, k = 0 … 12. There is no row for a branch of at most `few`
    distinct values, nor where values are more than `MOST` bandwidths from 0.
    """
    moments = [Sql(f"SUM({power_of(k)}) AS moment_{k}") for k in range(TERMS)]
    return fill(
        "estimating/boxes",
        placed=_placed(observed, need, few, with_deviation=need.bandwidth == "scott_sd"),
        bandwidth=_bandwidth(need.bandwidth),
        boxes=literal(BINS),
        most=literal(MOST),
        reach=literal(REACH),
        moments=lines(moments, indent=0),
        arrays=lines([Sql(f"ARRAY_AGG(b.moment_{k} ORDER BY b.box) AS moment_{k}") for k in range(TERMS)], indent=0),
    )


def power_of(exponent: int) -> str:
    """Return the term whose sum is a box's moment."""
    return f"o.units * {power('o.e', exponent)}" if exponent else "o.units"


def _placed(observed: Observed, need: GridNeed | DensityNeed, few: int, *, with_deviation: bool) -> Sql:
    is_log = "p.minimum >= 0 AND p.smallest_positive IS NOT NULL" if need.log_space else "FALSE"
    last = need.grid_size - 1
    return fill(
        "estimating/placed",
        units=long_rows(observed),
        mean=Sql(_MEAN if with_deviation else ""),
        deviation=Sql(_DEVIATION if with_deviation else ""),
        is_log=Sql(is_log),
        few=literal(few),
        last=literal(last),
        below=_point("s.k - 1", last),
        above=_point("s.k", last),
    )


def _point(k: str, last: int) -> Sql:
    """The grid's point; the first and the last one exactly the smallest and the largest value."""
    inner = f"s.scale_start + ({k}) * s.step"
    return Sql(
        f"CASE WHEN {k} <= 0 THEN s.grid_start WHEN {k} >= {last} THEN s.maximum "
        f"WHEN s.is_log THEN POW(10.0, {inner}) ELSE {inner} END"
    )


_MEAN = ",\nSUM(t.y * t.units) / SUM(t.units) AS mean"
_DEVIATION = """,
SQRT(
  SUM(p.units * (p.y - p.mean) * (p.y - p.mean))
    OVER (PARTITION BY p.basis, p.window_index, p.segment, p.branch) / (p.n - 1)
) AS deviation"""


def _bandwidth(rule: str | float) -> Sql:
    """The bandwidth, as `stats.density.bandwidth` has it."""
    match rule:
        case "scott":
            return Sql("POW(p.n, -0.2)")
        case "silverman":
            return Sql("POW(p.n * 0.75, -0.2)")
        case "scott_sd":
            return Sql("POW(p.n, -0.2) * p.deviation")
        case _:
            return literal(float(rule))
