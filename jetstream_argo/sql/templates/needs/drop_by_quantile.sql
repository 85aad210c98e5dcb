{{name}}_ranked AS (
  SELECT
    s.*,
    SUM(s.units) OVER (PARTITION BY s.basis, s.window_index, s.segment ORDER BY s.{{value}}) AS upto,
    SUM(s.units) OVER (PARTITION BY s.basis, s.window_index, s.segment) AS n
  FROM {{before}} AS s
  WHERE s.{{value}} IS NOT NULL AND NOT IS_NAN(s.{{value}})
),
{{name}}_around AS (
  SELECT
    s.*,
    {{low}} OVER (PARTITION BY s.basis, s.window_index, s.segment) AS low,
    {{high}} OVER (PARTITION BY s.basis, s.window_index, s.segment) AS high,
    {{share}} AS share
  FROM {{name}}_ranked AS s
),
{{name}}_limited AS (
  SELECT
    s.*,
    {{limit}} AS edge
  FROM {{name}}_around AS s
),
{{name}} AS (
  SELECT
    {{columns}}
  FROM {{name}}_limited AS s
  WHERE NOT IS_NAN(s.edge) AND {{keep}}
)
