-- One row per basis, window, segment and branch with many distinct values: those around some quantiles.
WITH {{units}},
ranked AS (
  SELECT
    t.*,
    COUNT(*) OVER of_branch AS n_values,
    SUM(t.units) OVER (of_branch ORDER BY t.y) AS upto,
    SUM(t.units) OVER of_branch AS n
  FROM treated AS t
  WHERE t.y IS NOT NULL
  WINDOW of_branch AS (PARTITION BY t.basis, t.window_index, t.segment, t.branch)
)
SELECT
  r.basis,
  r.window_index,
  r.segment,
  r.branch,
  ARRAY_AGG(r.y ORDER BY r.y) AS vals,
  ARRAY_AGG(r.upto - r.units ORDER BY r.y) AS first_ranks,
  ARRAY_AGG(r.upto - 1 ORDER BY r.y) AS last_ranks
FROM ranked AS r
WHERE r.n_values > {{few}}
  AND (
    {{near}}
  )
GROUP BY r.basis, r.window_index, r.segment, r.branch
