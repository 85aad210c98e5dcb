-- One row per enrolled unit and branch: which segments it is in, and its values before enrollment.
SELECT
  {{columns}}
FROM {{units}} AS e
{{joins}}
WHERE e.branch IN ({{branches}}){{among}}
