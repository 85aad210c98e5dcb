{{buckets}},
{{name}}_ends AS (
  SELECT
    {{keys}},
    {{ends}}
  FROM {{name}}_buckets AS b
  GROUP BY {{keys}}
),
{{name}}_near AS (
  SELECT
    {{own_keys}},
    t.value,
    {{totals}},
    {{ranks}}
  FROM {{name}}_placed AS t
  INNER JOIN {{name}}_buckets AS b
    ON {{same_bucket}}
  WHERE
    {{wanted}}
),
{{name}}_quantiles AS (
  SELECT
    {{own_keys}},
    {{quantiles}}
  FROM {{name}}_near AS t
  GROUP BY {{own_keys}}
),
{{name}} AS (
  SELECT
    e.*,
    {{found}}
  FROM {{name}}_ends AS e
  INNER JOIN {{name}}_quantiles AS q
    ON {{same}}
)
