units AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.assignment, u.enrollment_date AS anchor
  FROM {{units}} AS u
),
grid AS (
  SELECT
    u.analysis_id,
    u.branch,
    u.enrollment_date,
    u.anchor,
    MIN(s.submission_date) AS exposure_date,
    SUM(s.{{signal}}) AS num_exposure_events,
    w.window_index,
    w.analysis_window_start,
    w.analysis_window_end
  FROM units AS u
  INNER JOIN (
    {{signals}}
  ) AS s
    ON s.analysis_id = u.analysis_id AND s.branch = u.branch AND s.submission_date >= u.enrollment_date
  INNER JOIN UNNEST([
    {{windows}}
  ]) AS w
    ON s.submission_date BETWEEN w.first_date AND w.last_date
  GROUP BY
    u.analysis_id,
    u.branch,
    u.enrollment_date,
    u.anchor,
    w.window_index,
    w.analysis_window_start,
    w.analysis_window_end
  HAVING SUM(s.{{signal}}) > 0
)
