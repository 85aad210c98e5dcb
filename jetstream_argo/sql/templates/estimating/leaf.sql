-- One row per basis, window and unit: the metric's value, what stands beside it, and which segments the unit is in.
SELECT
  {{columns}}
FROM (
  {{values}}
) AS v
{{joins}}
WHERE v.window_index IN ({{windows}})
  AND v.branch IN ({{branches}}){{among}}
