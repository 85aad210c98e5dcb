-- One row per enrolled analysis unit and branch that counts in results.
SELECT
  {{columns}}
FROM {{judged}} AS c
WHERE {{counts}}
