-- One row per enrolled analysis unit, branch and window; a metric without values there is NULL.
SELECT
  {{columns}}
FROM {{published}} AS p
WHERE
  p.window_index BETWEEN {{first}} AND {{last}}
  AND ({{rows}})
