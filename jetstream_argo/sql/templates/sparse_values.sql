SELECT
  {{columns}}
FROM {{units}} AS u
INNER JOIN (
  {{defaults}}
) AS d
  ON d.branch = u.branch AND d.enrollment_date = u.enrollment_date{{known}}
LEFT JOIN (
  {{rows}}
) AS v
  ON v.analysis_id = u.analysis_id AND v.branch = u.branch AND v.window_index = d.window_index{{same_slice}}
