-- One row per enrolled analysis unit, branch and window; a metric without values there is NULL.
WITH windows AS (
  SELECT w.window_index, w.analysis_window_start, w.analysis_window_end
  FROM UNNEST([
    STRUCT(1 AS window_index, 0 AS analysis_window_start, 6 AS analysis_window_end),
    STRUCT(2 AS window_index, 7 AS analysis_window_start, 13 AS analysis_window_end)
  ]) AS w
),
values_1 AS (
  SELECT v.analysis_id, v.branch, v.window_index, v.exposure_date, v.num_exposure_events, v.m_hours
  FROM `analysis.values_new_tab_enrollments_clients_week_7e3ddd04` AS v
  WHERE v.window_index BETWEEN 1 AND 2
    AND v.batch IN (1, 2)
)
SELECT
  e.analysis_id,
  e.branch,
  e.enrollment_date,
  e.num_enrollment_events,
  e.loyal,
  w.analysis_window_start,
  w.analysis_window_end,
  e.exposure_date,
  e.num_exposure_events,
  CAST(w.window_index AS STRING) AS window_index,
  values_1.m_hours AS hours,
  NULL AS ads
FROM `analysis.enrollments_new_tab` AS e
CROSS JOIN windows AS w
LEFT JOIN values_1
  ON values_1.analysis_id = e.analysis_id
  AND values_1.branch = e.branch
  AND values_1.window_index = w.window_index
