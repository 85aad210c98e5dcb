SELECT
  u.analysis_id,
  u.branch,
  d.window_index,
  {{columns}}
FROM {{units}} AS u
INNER JOIN (
  SELECT
    s.branch,
    s.enrollment_date,
    s.window_index,
    {{default_columns}}
  FROM {{stored}} AS s
  WHERE s.analysis_id IS NULL AND {{defaults}}
) AS d
  ON d.branch = u.branch AND d.enrollment_date = u.enrollment_date
LEFT JOIN (
  SELECT
    s.analysis_id,
    s.branch,
    s.window_index,
    {{default_columns}}
  FROM {{stored}} AS s
  WHERE s.analysis_id IS NOT NULL AND {{rows}}
) AS v
  ON v.analysis_id = u.analysis_id AND v.branch = u.branch AND v.window_index = d.window_index
