-- One row per analysis unit, branch and window in which a signal exposed it: the values that it has among all enrolled.
WITH {{grid}}
SELECT
  {{columns}}
FROM grid AS e
INNER JOIN (
  {{values}}
) AS v
  ON v.analysis_id = e.analysis_id AND v.branch = e.branch AND v.window_index = e.window_index
