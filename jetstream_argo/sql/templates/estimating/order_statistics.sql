-- One row per basis, window and branch: for each segment, the values around some quantiles.
WITH {{units}},
{{near}}
SELECT
  r.basis,
  r.window_index,
  r.branch,
  {{arrays}}
FROM of_branch_ranks AS r
WHERE
  {{near_any}}
GROUP BY r.basis, r.window_index, r.branch
