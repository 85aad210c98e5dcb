-- One row per analysis unit and branch: which segments of one source it is in; without rows there, what its aggregates give for none.
WITH raw_enrollments AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.num_enrollment_events
  FROM {{units}} AS u
  WHERE u.assignment IN ({{assignments}})
)
SELECT
  {{columns}}
FROM raw_enrollments AS e
LEFT JOIN {{source}} AS ds
  ON {{unit}} = e.analysis_id
  AND {{dates}}
  AND {{date}} BETWEEN DATE_ADD(e.enrollment_date, INTERVAL {{first_day}} DAY)
    AND DATE_ADD(e.enrollment_date, INTERVAL {{last_day}} DAY)
GROUP BY e.analysis_id, e.branch
