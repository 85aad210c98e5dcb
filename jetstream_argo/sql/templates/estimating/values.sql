-- One row per basis, window, segment and branch that is asked for: its distinct values, and how many units have each.
WITH {{units}}
SELECT
  t.basis,
  t.window_index,
  t.segment,
  t.branch,
  ARRAY_AGG(t.y ORDER BY t.y) AS vals,
  ARRAY_AGG(t.units ORDER BY t.y) AS counts
FROM long AS t
INNER JOIN UNNEST([
  {{cells}}
]) AS k
  ON k.basis = t.basis AND k.window_index = t.window_index AND k.segment = t.segment AND k.branch = t.branch
WHERE t.y IS NOT NULL
GROUP BY t.basis, t.window_index, t.segment, t.branch
