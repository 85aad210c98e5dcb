-- The limit of a covariate in every population, and the mean of 10,000 of its quantiles as it is clipped.
INSERT INTO limits_of_covariates BY NAME
WITH orders AS (
  SELECT
    dates,
    unnest([0, 1, 2]) + if(dates = 0, 0, 3) AS population,
    unnest([
      list_sort(list({covariate})),
      list_sort(list({covariate}) FILTER (heavy_users)),
      list_sort(list({covariate}) FILTER (on_windows))
    ]) AS xs
  FROM members
  GROUP BY dates
),
limits AS (
  SELECT
    *,
    (len(xs) - 1) * 0.995::DOUBLE AS rank,
    CAST(floor(rank) AS INTEGER) + 1 AS place,
    xs[place] + (xs[least(place + 1, len(xs))] - xs[place]) * (rank - floor(rank)) AS quantile,
    {rounding}(quantile) AS top
  FROM orders
),
clipped AS (
  SELECT dates, population, top, len(xs) - 1 AS last, list_transform(xs, lambda x: least(x, top)) AS xs
  FROM limits
)
SELECT
  '{covariate}' AS covariate,
  dates,
  population,
  top,
  list_avg(list_transform(range(10000), lambda k: xs[last * k // 10000 + 1] + (
    xs[least(last * k // 10000 + 2, last + 1)] - xs[last * k // 10000 + 1]
  ) * (last * k % 10000 / 10000))) AS qbar
FROM clipped;

INSERT INTO moments_of_covariates BY NAME
SELECT
  '{covariate}' AS covariate,
  m.dates,
  m.branch,
  unnest([0, 1, 2]) + if(m.dates = 0, 0, 3) AS population,
  unnest([
    sum(least({covariate}, t.top_0)),
    sum(least({covariate}, t.top_1)) FILTER (heavy_users),
    sum(least({covariate}, t.top_2)) FILTER (on_windows)
  ]) AS sum_x,
  unnest([
    sum(least({covariate}, t.top_0) ** 2),
    sum(least({covariate}, t.top_1) ** 2) FILTER (heavy_users),
    sum(least({covariate}, t.top_2) ** 2) FILTER (on_windows)
  ]) AS sum_xx
FROM members AS m
JOIN (
  SELECT
    dates,
    max(top) FILTER (population % 3 = 0) AS top_0,
    max(top) FILTER (population % 3 = 1) AS top_1,
    max(top) FILTER (population % 3 = 2) AS top_2
  FROM limits_of_covariates
  WHERE covariate = '{covariate}'
  GROUP BY dates
) AS t USING (dates)
GROUP BY m.dates, m.branch;
