{{name}}_quantiles AS (
  SELECT
    {{keys}},
    {{quantiles}}
  FROM {{name}}_ranks AS t
  GROUP BY {{keys}}
),
{{name}} AS (
  SELECT
    e.*,
    {{found}}
  FROM {{name}}_ends AS e
  INNER JOIN {{name}}_quantiles AS q
    ON {{same}}
)
