,
of_values AS (
  SELECT
    t.basis,
    t.window_index,
    t.branch,
    t.y,
    {{sums}}
  FROM treated AS t
  WHERE t.y IS NOT NULL
  GROUP BY t.basis, t.window_index, t.branch, t.y
),
values_counted AS (
  SELECT
    v.basis,
    v.window_index,
    v.branch,
    {{counts}}
  FROM of_values AS v
  GROUP BY v.basis, v.window_index, v.branch
),
values_listed AS (
  SELECT
    v.basis,
    v.window_index,
    v.branch,
    {{arrays}}
  FROM of_values AS v
  INNER JOIN values_counted AS c
    ON c.basis = v.basis AND c.window_index = v.window_index AND c.branch = v.branch
  WHERE
    {{listed}}
  GROUP BY v.basis, v.window_index, v.branch
),
few AS (
  SELECT
    c.basis,
    c.window_index,
    c.branch,
    {{found}}
  FROM values_counted AS c
  LEFT JOIN values_listed AS v
    ON v.basis = c.basis AND v.window_index = c.window_index AND v.branch = c.branch
)
