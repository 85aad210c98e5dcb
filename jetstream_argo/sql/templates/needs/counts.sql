-- One row per segment and branch with units; all windows are alike.
SELECT 0 AS window_index, s AS segment, e.branch, COUNT(*) AS n
FROM {{enrollments}} AS e
CROSS JOIN UNNEST([
  {{segments}}
]) AS s
WHERE s IS NOT NULL AND e.{{anchor}} IS NOT NULL AND e.branch IN ({{branches}})
GROUP BY s, e.branch
