-- One row per exposed analysis unit and branch.
WITH raw_enrollments AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.num_enrollment_events
  FROM {{units}} AS u
  WHERE u.assignment IN ({{assignments}})
)
SELECT
  {{batch}} AS batch,
  CAST(x.analysis_id AS STRING) AS analysis_id,
  CAST(x.branch AS STRING) AS branch,
  MIN(x.exposure_date) AS exposure_date,
  SUM(x.num_exposure_events) AS num_exposure_events
FROM (
  {{exposures}}
) AS x
GROUP BY x.analysis_id, x.branch
