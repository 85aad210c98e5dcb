-- One row per analysis unit and branch in which it enrolled: a unit in two branches has two rows.
WITH raw_enrollments AS (
  SELECT
    CAST(r.analysis_id AS STRING) AS analysis_id,
    CAST(r.branch AS STRING) AS branch,
    MIN(r.enrollment_date) AS enrollment_date,
    SUM(r.num_enrollment_events) AS num_enrollment_events
  FROM (
    {{enrollments}}
  ) AS r
  WHERE r.analysis_id IS NOT NULL AND r.branch IS NOT NULL AND r.enrollment_date IS NOT NULL
  GROUP BY r.analysis_id, r.branch
),
{{relations}}
SELECT
  {{columns}}
FROM raw_enrollments AS e
{{joins}}
