-- One row per window, segment and branch with units that a signal exposed.
WITH {{grid}}
SELECT g.window_index, in_segment AS segment, g.branch, COUNT(*) AS n
FROM grid AS g
INNER JOIN {{enrollments}} AS e
  ON e.analysis_id = g.analysis_id AND e.branch = g.branch
CROSS JOIN UNNEST([
  {{segments}}
]) AS in_segment
WHERE in_segment IS NOT NULL AND g.branch IN ({{branches}})
GROUP BY g.window_index, in_segment, g.branch
