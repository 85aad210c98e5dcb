-- One row per date of enrollment and branch.
SELECT
  e.enrollment_date,
  e.branch,
  COUNT(*) AS units
FROM {{enrollments}} AS e
WHERE e.enrollment_date IS NOT NULL
GROUP BY 1, 2
ORDER BY 1, 2
