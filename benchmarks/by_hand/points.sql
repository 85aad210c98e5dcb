-- The points of every statistic, from counts and sums: of each branch, and of each branch compared with each other one.
CREATE TEMP TABLE points (
  period VARCHAR, metric VARCHAR, statistic VARCHAR, parameter DOUBLE, window_index INTEGER, population INTEGER,
  branch VARCHAR, comparison VARCHAR, reference VARCHAR, point DOUBLE
);

CREATE TEMP TABLE counted AS
SELECT w.period, w.window_index, s.population, s.branch, CAST(s.n AS DOUBLE) AS n
FROM windows AS w
JOIN sizes AS s ON if(s.population < 3, s.dates = 0, s.dates = w.dates);

INSERT INTO points BY NAME
SELECT period, 'identity' AS metric, 'count' AS statistic, window_index, population, branch, n AS point FROM counted;

-- Pearson's chi-square test of equal shares of three branches has two degrees of freedom.
INSERT INTO points BY NAME
SELECT
  period,
  'sample_ratio' AS metric,
  'srm' AS statistic,
  window_index,
  population,
  'control' AS branch,
  exp(-(3 * sum(n * n) / sum(n) - sum(n)) / 2) AS point
FROM counted
GROUP BY period, window_index, population;

-- What a branch has, and at which value: `own` is its own point, `value` is what is subtracted, `treated` and `inverse`
-- are what is multiplied.
CREATE TEMP TABLE compared AS
WITH fitted AS (
  SELECT
    m.period,
    m.metric,
    m.window_index,
    m.population,
    m.branch,
    if(m.is_zero_without_rows, c.n, m.n_values) AS units,
    m.sum_y / units AS mean,
    x.sum_x / units AS mean_x,
    l.qbar,
    sum(m.sum_xy - m.sum_y * mean_x) OVER together / sum(x.sum_xx - x.sum_x * mean_x) OVER together AS slope
  FROM moments AS m
  JOIN counted AS c USING (period, window_index, population, branch)
  JOIN windows AS w USING (period, window_index)
  LEFT JOIN moments_of_covariates AS x
    ON m.is_adjusted AND x.covariate = m.metric AND x.population = m.population AND x.branch = m.branch
    AND x.dates = if(m.population < 3, 0, w.dates)
  LEFT JOIN limits_of_covariates AS l
    ON m.is_adjusted AND l.covariate = m.metric AND l.population = m.population
    AND l.dates = if(m.population < 3, 0, w.dates)
  WINDOW together AS (PARTITION BY m.period, m.metric, m.window_index, m.population)
)
SELECT
  period,
  metric,
  'mean_lm' AS statistic,
  CAST(NULL AS DOUBLE) AS parameter,
  window_index,
  population,
  branch,
  mean AS own,
  mean - coalesce(slope * mean_x, 0) AS value,
  mean + coalesce(slope * (qbar - mean_x), 0) AS treated,
  1 / treated AS inverse
FROM fitted
UNION ALL
-- A share's law after a flat prior is Beta(successes + 1, failures + 1).
SELECT
  s.period,
  s.metric,
  'binomial',
  NULL,
  s.window_index,
  s.population,
  s.branch,
  (s.successes + 1) / (c.n + 2),
  (s.successes + 1) / (c.n + 2),
  (s.successes + 1) / (c.n + 2),
  (c.n + 1) / s.successes
FROM successes AS s
JOIN counted AS c USING (period, window_index, population, branch)
UNION ALL
SELECT period, 'sidebar_seconds', 'deciles', p, 1, population, branch, mean, mean, mean, if(zeros <= 1e-5, mean_of_inverse, NULL)
FROM deciles
UNION ALL
-- The mean of a resampled ratio, but for terms that shrink as the square of the number of units.
SELECT
  period,
  'ad_click_rate',
  'population_ratio',
  NULL,
  window_index,
  population,
  branch,
  ad_clicks / searches * (1 + searches_squared / searches ** 2 - products / searches / ad_clicks) AS ratio,
  ratio,
  ratio,
  searches / ad_clicks * (1 + ad_clicks_squared / ad_clicks ** 2 - products / searches / ad_clicks)
FROM totals;

INSERT INTO points BY NAME
SELECT period, metric, statistic, parameter, window_index, population, branch, own AS point FROM compared
UNION ALL BY NAME
SELECT period, 'ad_clicks' AS metric, 'sum' AS statistic, window_index, population, branch, ad_clicks AS point
FROM totals;

INSERT INTO points BY NAME
SELECT
  b.period,
  b.metric,
  b.statistic,
  b.parameter,
  b.window_index,
  b.population,
  b.branch,
  unnest(['difference', 'relative_uplift']) AS comparison,
  r.branch AS reference,
  unnest([b.value - r.value, b.treated * r.inverse - 1]) AS point
FROM compared AS b
JOIN compared AS r
  ON r.period = b.period AND r.metric = b.metric AND r.statistic = b.statistic
  AND r.parameter IS NOT DISTINCT FROM b.parameter AND r.window_index = b.window_index
  AND r.population = b.population AND r.branch <> b.branch;
