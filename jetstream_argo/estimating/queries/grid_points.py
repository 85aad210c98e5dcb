"""Values placed between the points of a grid over them."""

from jetstream_argo.estimating.queries.observations import Observed, long_rows
from jetstream_argo.sql.text import Sql, fill, literal
from jetstream_argo.stats.needs import DensityNeed, GridNeed


def placed(observed: Observed, need: GridNeed | DensityNeed, few: int, *, with_deviation: bool) -> Sql:
    """Return the relations that end in `placed`: every distinct value between two points of its branch's grid.

    Branches of at most `few` distinct values are left out.
    """
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
