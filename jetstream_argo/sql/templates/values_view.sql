-- One row per enrolled analysis unit, branch and window; a metric without values there is NULL.
WITH windows AS (
  SELECT w.window_index, w.analysis_window_start, w.analysis_window_end
  FROM UNNEST([
    {{windows}}
  ]) AS w
){{relations}}
SELECT
  {{columns}}
FROM {{enrollments}} AS e
CROSS JOIN windows AS w
{{joins}}
