-- One row per segment and branch with units; all windows are alike.
SELECT 0 AS window_index, in_segment AS segment, e.branch, COUNT(*) AS n
FROM {{enrollments}} AS e
CROSS JOIN UNNEST([
  {{segments}}
]) AS in_segment
WHERE in_segment IS NOT NULL AND e.{{anchor}} IS NOT NULL AND e.branch IN ({{branches}})
GROUP BY in_segment, e.branch
