-- One row per basis, window, branch and value: how many units have it.
SELECT
  {{columns}}
FROM (
  {{rows}}
) AS r
GROUP BY
  {{keys}}
