{{relation}} AS (
  SELECT
    {{keys}},
    {{columns}}
  FROM {{name}}_buckets AS b
  GROUP BY {{keys}}
)
