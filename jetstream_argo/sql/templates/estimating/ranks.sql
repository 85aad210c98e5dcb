{{buckets}},
{{name}}_values AS (
  SELECT
    {{own_keys}},
    t.bucket,
    t.value,
    {{sums}}
  FROM {{name}}_placed AS t
  INNER JOIN {{name}}_buckets AS b
    ON {{same_bucket}}
  WHERE
    {{wanted}}
  GROUP BY {{own_keys}}, t.bucket, t.value
){{finer}},
{{name}}_ranks AS (
  SELECT
    {{own_keys}},
    t.value,
    {{weights}},
    {{totals}},
    {{ranks}}
  FROM {{last}} AS t
  INNER JOIN {{name}}_buckets AS b
    ON {{same_bucket}}{{joins}}
)
