-- One row per basis, window and branch: for each segment, the values around some quantiles.
WITH {{units}},
{{near}},
of_branch_spreads AS (
  SELECT
    r.*,
    {{spreads}}
  FROM of_branch_ranks AS r
),
of_branch_near AS (
  SELECT
    r.*,
    {{near_each}}
  FROM of_branch_spreads AS r
)
SELECT
  r.basis,
  r.window_index,
  r.branch,
  {{arrays}}
FROM of_branch_near AS r
WHERE {{near_any}}
GROUP BY r.basis, r.window_index, r.branch
