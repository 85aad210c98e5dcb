-- One row per enrolled analysis unit and branch, and for each exclusion whether it meets its condition.
SELECT
  {{columns}}
FROM {{units}} AS e
