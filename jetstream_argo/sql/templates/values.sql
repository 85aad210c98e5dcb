-- One row per analysis unit, branch and window: the metrics' values, also of units without rows in the window.
WITH {{grid}},
days AS (
  {{days}}
),
merged AS (
  SELECT
    {{merged}}
  FROM units AS u
  INNER JOIN days AS d
    ON d.analysis_id = u.analysis_id
    AND d.branch = u.branch
    AND d.submission_date BETWEEN DATE_ADD(u.anchor, INTERVAL {{first_day}} DAY)
      AND DATE_ADD(u.anchor, INTERVAL {{last_day}} DAY)
  {{windows}}
  GROUP BY u.analysis_id, u.branch, window_index
),
states AS (
  SELECT
    {{states}}
  FROM grid AS g
  LEFT JOIN merged AS m
    ON m.analysis_id = g.analysis_id AND m.branch = g.branch AND m.window_index = g.window_index
  {{probes}}
)
SELECT
  {{columns}}
FROM states AS e
