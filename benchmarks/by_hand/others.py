"""Shares, totals, the ratio of two totals, and deciles: all that is not a mean of clipped values."""

from string import Template

import duckdb

from benchmarks.by_hand.populations import of_each, structs

_SUCCESSES = Template("""
INSERT INTO successes BY NAME
SELECT
  '$period' AS period,
  '$metric' AS metric,
  window_index,
  branch,
  unnest([$populations], recursive := TRUE)
FROM $values
GROUP BY window_index, branch
""")

_TOTALS = Template("""
INSERT INTO totals BY NAME
SELECT '$period' AS period, window_index, branch, unnest([$populations], recursive := TRUE)
FROM $values
GROUP BY window_index, branch
""")

# A decile of n values is the value of the rank K, counted from 0, with K binomial of n - 1 trials: its law has the
# values around it, with binomial weights.
_DECILES = Template("""
INSERT INTO deciles BY NAME
WITH units_with_values AS (
  SELECT
    u.branch,
    unnest([$members]) AS population,
    coalesce(v.sidebar_seconds, 0) AS y
  FROM (
    SELECT u.*, u.opened_on & w.dates <> 0 AS exposed FROM units AS u JOIN windows AS w ON w.period = '$period'
  ) AS u
  LEFT JOIN interactions_$period AS v USING (unit)
),
ranked AS (
  SELECT
    population,
    branch,
    y,
    row_number() OVER (PARTITION BY population, branch ORDER BY y) - 1 AS rank,
    count(*) OVER (PARTITION BY population, branch) - 1 AS trials
  FROM units_with_values
  WHERE population IS NOT NULL
),
weighted AS (
  SELECT
    r.population,
    r.branch,
    d.p,
    r.y,
    exp(lgamma(trials + 1) - lgamma(rank + 1) - lgamma(trials - rank + 1) + rank * ln(p) + (trials - rank) * ln(1 - p))
      AS weight
  FROM ranked AS r
  JOIN (SELECT k / 10 AS p FROM range(1, 10) AS deciles(k)) AS d
    ON abs(r.rank - r.trials * d.p) <= 8 * sqrt(r.trials * d.p * (1 - d.p)) + 1
)
SELECT
  '$period' AS period,
  population,
  branch,
  p,
  sum(weight * y) / sum(weight) AS mean,
  sum(weight / y) FILTER (y <> 0) / sum(weight) FILTER (y <> 0) AS mean_of_inverse,
  coalesce(sum(weight) FILTER (y = 0), 0) / sum(weight) AS zeros
FROM weighted
GROUP BY population, branch, p
""")


def add_successes(connection: duckdb.DuckDBPyConnection, metric: str, period: str) -> None:
    """Add in how many units of every population a metric of activity is true."""
    found = structs(successes=f"count_if({metric}) FILTER ({{members}})")
    names = {"period": period, "metric": metric}
    connection.execute(_SUCCESSES.substitute(names, populations=found, values=f"activity_{period}_of_units"))


def add_totals(connection: duckdb.DuckDBPyConnection, period: str) -> None:
    """Add ad clicks and searches of every population, and their moments."""
    found = structs(
        ad_clicks="sum(ad_clicks) FILTER ({members})",
        searches="sum(search_count) FILTER ({members})",
        ad_clicks_squared="sum(ad_clicks * ad_clicks) FILTER ({members})",
        searches_squared="sum(search_count * search_count) FILTER ({members})",
        products="sum(search_count * ad_clicks) FILTER ({members})",
    )
    connection.execute(_TOTALS.substitute(period=period, populations=found, values=f"search_{period}_of_units"))


def add_deciles(connection: duckdb.DuckDBPyConnection, period: str) -> None:
    """Add the deciles of the seconds in the sidebar."""
    members = of_each("if({members}, {i}, NULL)")
    connection.execute(_DECILES.substitute(period=period, members=members))
