{{name}}_values AS (
  SELECT
    {{own_keys}},
    t.bucket,
    t.value,
    {{sums}}
  FROM {{buckets}}_placed AS t{{chosen}}{{together}}
){{finer}},
{{name}}_ranks AS (
  SELECT
    {{own_keys}},
    t.value,
    {{weights}},
    {{totals}},
    {{ranks}}
  FROM {{last}} AS t
  INNER JOIN {{buckets}}_buckets AS b
    ON {{same_bucket}}{{joins}}
)
