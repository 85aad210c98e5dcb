-- One row per step that drops by a quantile, basis and window: units with a value before it, and after.
WITH {{units}},
counts AS (
  {{counts}}
)
SELECT c.step, c.basis, c.window_index, SUM(c.n) AS n, SUM(c.kept) AS kept
FROM counts AS c
GROUP BY c.step, c.basis, c.window_index
ORDER BY c.step, c.basis, c.window_index
