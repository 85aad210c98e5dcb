-- One row per basis, window, segment and branch with units: counts.
WITH {{units}},
held AS (
  SELECT t.*, IF(t.y IS NULL, 0, t.units) AS n_held
  FROM treated AS t
)
SELECT
  {{columns}}
FROM held AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
