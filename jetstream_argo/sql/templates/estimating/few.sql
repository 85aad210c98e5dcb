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
few AS (
  SELECT
    v.basis,
    v.window_index,
    v.branch,
    {{arrays}}
  FROM of_values AS v
  INNER JOIN values_counted AS c
    ON c.basis = v.basis AND c.window_index = v.window_index AND c.branch = v.branch
  GROUP BY v.basis, v.window_index, v.branch
)
