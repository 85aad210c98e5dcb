{{name}}_span_{{level}} AS (
  SELECT {{path}}, MIN(t.value) AS least, MAX(t.value) AS most
  FROM {{before}} AS t
  GROUP BY {{path}}
),
{{name}}_placed_{{level}} AS (
  SELECT
    t.*,
    IF(
      s.most > s.least, CAST(FLOOR({{buckets}} * ((t.value - s.least) / (s.most - s.least))) AS INT64), 0
    ) AS bucket_{{level}}
  FROM {{before}} AS t
  INNER JOIN {{name}}_span_{{level}} AS s
    ON {{same}}
),
{{name}}_counts_{{level}} AS (
  SELECT
    {{path}},
    t.bucket_{{level}},
    {{sums}}
  FROM {{name}}_placed_{{level}} AS t
  GROUP BY {{path}}, t.bucket_{{level}}
),
{{name}}_earlier_{{level}} AS (
  SELECT
    {{path}},
    t.bucket_{{level}},
    {{earlier}}
  FROM {{name}}_counts_{{level}} AS t
)
