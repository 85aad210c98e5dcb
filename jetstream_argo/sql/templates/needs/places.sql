{{name}}_counts AS (
  SELECT
    {{keys}},
    t.{{value}} AS value,
    SUM(t.{{weight}}) AS units
  FROM {{source}} AS t
  WHERE t.{{weight}} > 0 AND t.{{value}} IS NOT NULL AND NOT IS_NAN(t.{{value}})
  GROUP BY
    {{keys}},
    t.{{value}}
),
{{name}}_ranks AS (
  SELECT
    t.*,
    SUM(t.units) OVER (
      PARTITION BY
        {{keys}}
      ORDER BY t.value
    ) AS upto,
    SUM(t.units) OVER (
      PARTITION BY
        {{keys}}
    ) AS n
  FROM {{name}}_counts AS t
),
{{name}} AS (
  SELECT
    {{keys}},
    {{columns}}
  FROM {{name}}_ranks AS t
  GROUP BY
    {{keys}}
)
