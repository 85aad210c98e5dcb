-- One row per enrollment date and branch with units: how many count, and how many of them are in each segment.
SELECT
  {{columns}}
FROM {{units}} AS c
WHERE c.branch IN ({{branches}})
GROUP BY c.enrollment_date, c.branch
ORDER BY c.enrollment_date, c.branch
