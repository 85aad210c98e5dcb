-- One row per analysis unit, branch and window: the metrics' values, also of units without rows in the window.
WITH {{grid}},
days AS (
  {{days}}
),
{{merged}}
states AS (
  SELECT
    {{states}}
  FROM grid AS g
  {{join}}
  {{probes}}
)
SELECT
  {{columns}}
FROM states AS e
