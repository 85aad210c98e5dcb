-- One row per analysis unit and branch that enrolled and was not known, or was known with less: a unit in two branches has two rows.
WITH found AS (
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
)
SELECT
  {{batch}} AS batch,
  f.analysis_id,
  f.branch,
  f.enrollment_date,
  f.num_enrollment_events,
  {{assignment}} AS assignment
FROM {{found}} AS f
{{known}}
