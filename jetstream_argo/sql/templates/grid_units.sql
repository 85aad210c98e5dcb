units AS (
  SELECT
    u.analysis_id,
    u.branch,
    u.enrollment_date,
    u.assignment,
    u.exposure_date,
    u.num_exposure_events,
    u.{{anchor}} AS anchor
  FROM {{units}} AS u
  WHERE u.{{anchor}} IS NOT NULL
),
grid AS (
  SELECT u.*, w.window_index, w.analysis_window_start, w.analysis_window_end
  FROM units AS u
  CROSS JOIN UNNEST([
    {{windows}}
  ]) AS w
)
