-- One row per analysis unit, branch and window in which the unit has rows: the metrics' values. A row without
-- analysis_id has the values in the window of units without rows that enrolled into this branch on this date.
WITH units AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.exposure_date, u.num_exposure_events, u.{{anchor}} AS anchor
  FROM {{units}} AS u
  WHERE u.{{anchor}} IS NOT NULL
),
days AS (
  {{days}}
),
{{merged}}
states AS (
  SELECT
    {{found}}
  FROM units AS u
  INNER JOIN {{rows}} AS m
    ON m.analysis_id = u.analysis_id
    AND m.branch = u.branch
    AND m.submission_date BETWEEN DATE_ADD(u.anchor, INTERVAL {{first_day}} DAY)
      AND DATE_ADD(u.anchor, INTERVAL {{last_day}} DAY)
  UNION ALL
  SELECT
    {{alone}}
  FROM (
    SELECT DISTINCT u.branch, u.enrollment_date
    FROM units AS u
  ) AS g
  {{probes}}
  CROSS JOIN UNNEST([{{windows}}]) AS window_index
)
SELECT
  {{columns}}
FROM states AS e
