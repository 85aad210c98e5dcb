"""Moments of a metric's values, as they are clipped, in every window, population and branch."""

from dataclasses import dataclass
from string import Template

import duckdb

from benchmarks.by_hand.populations import of_each, structs

CLIPPED = 0.005


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean that is asked for: its metric, where the values are, and what is known of them."""

    metric: str
    source: str
    periods: tuple[str, ...]
    is_adjusted: bool = False  # by the same metric in the week before
    is_whole: bool = True  # whole numbers: their limit is rounded up to one
    is_zero_without_rows: bool = True  # or else such a unit has no value, and does not count


# The limit of a population from its highest values, of which there are as many as may be above it.
_LIMITS = Template("""
CREATE OR REPLACE TEMP TABLE limits AS
WITH highest AS (
  SELECT window_index, dates, unnest([$populations], recursive := TRUE)
  FROM (SELECT *, CAST($metric AS DOUBLE) AS y FROM $values WHERE $metric $counts)
  GROUP BY window_index, dates
),
ranked AS (
  SELECT
    h.window_index,
    h.population,
    h.ys,
    $n AS units,
    (units - 1) * (1 - $clipped::DOUBLE) AS rank,
    units - CAST(floor(rank) AS INTEGER) AS place,
    coalesce(ys[place], 0) AS lower,
    if(place > 1, coalesce(ys[place - 1], 0), lower) AS upper,
    $rounding(lower + (upper - lower) * (rank - floor(rank))) AS top
  FROM highest AS h
  JOIN everybody AS e ON e.population = h.population AND e.dates IN (0, h.dates)
)
SELECT window_index, $tops FROM ranked GROUP BY window_index
""")

_MOMENTS = Template("""
INSERT INTO moments BY NAME
SELECT
  '$period' AS period,
  '$metric' AS metric,
  o.window_index,
  o.branch,
  $is_adjusted AS is_adjusted,
  $is_zero_without_rows AS is_zero_without_rows,
  unnest([$populations], recursive := TRUE)
FROM (SELECT *, CAST($metric AS DOUBLE) AS y FROM $values WHERE $metric $counts) AS o
JOIN limits AS l USING (window_index)
$limits_of_x
GROUP BY o.window_index, o.branch
""")

_LIMITS_OF_X = """
JOIN (
  SELECT w.window_index, {tops}
  FROM windows AS w
  JOIN limits_of_covariates AS c ON c.covariate = '{metric}' AND c.dates IN (0, w.dates)
  WHERE w.period = '{period}'
  GROUP BY w.window_index
) AS x USING (window_index)
"""


def add_moments(connection: duckdb.DuckDBPyConnection, mean: Mean, period: str, *, most: int) -> None:
    """Add the moments of a metric in a period; `most` is how many units there are."""
    names = {
        "metric": mean.metric,
        "period": period,
        "values": f"{mean.source}_{period}_of_units",
        "counts": "> 0" if mean.is_zero_without_rows else "IS NOT NULL",
    }
    highest = structs(
        ys=f"max(y, {int(most * CLIPPED) + 2}) FILTER ({{members}})", n_values="count(*) FILTER ({members})"
    )
    connection.execute(
        _LIMITS.substitute(
            names,
            populations=highest,
            n="e.n" if mean.is_zero_without_rows else "h.n_values",
            clipped=CLIPPED,
            rounding="ceil" if mean.is_whole else "",
            tops=of_each("max(top) FILTER (population = {i}) AS y_{i}"),
        )
    )
    y, x = "least(o.y, l.y_{i})", f"least(o.x_{mean.metric}, x.x_{{i}})"
    sums = structs(
        n_values="count(*) FILTER ({members})",
        sum_y=f"sum({y}) FILTER ({{members}})",
        sum_yy=f"sum({y} * {y}) FILTER ({{members}})",
        sum_xy=f"sum({y} * {x}) FILTER ({{members}})" if mean.is_adjusted else "NULL",
    )
    tops = of_each("max(top) FILTER (c.population = {i}) AS x_{i}")
    connection.execute(
        _MOMENTS.substitute(
            names,
            is_adjusted=mean.is_adjusted,
            is_zero_without_rows=mean.is_zero_without_rows,
            populations=sums,
            limits_of_x=_LIMITS_OF_X.format(tops=tops, **names) if mean.is_adjusted else "",
        )
    )
