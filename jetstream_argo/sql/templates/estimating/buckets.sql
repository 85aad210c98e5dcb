{{name}}_rows AS (
  SELECT
    {{keys}},
    {{value}},
    {{weights}}
  FROM {{source}} AS t
  WHERE {{condition}}
),
{{name}}_reach AS (
  SELECT {{keys}}, MAX(IF(IS_INF(t.value), 0.0, ABS(t.value))) AS reach
  FROM {{name}}_rows AS t
  GROUP BY {{keys}}
),
{{name}}_placed AS (
  SELECT
    t.*,
    {{bucket}} AS bucket
  FROM (
    SELECT t.*, {{step}} AS step
    FROM (
      SELECT t.*, SQRT(t.root_4) AS root_8
      FROM (
        SELECT t.*, SQRT(t.root_2) AS root_4
        FROM (
          SELECT t.*, SQRT({{part}}) AS root_2
          FROM {{name}}_rows AS t
          INNER JOIN {{name}}_reach AS r
            ON {{same}}
        ) AS t
      ) AS t
    ) AS t
  ) AS t
),
{{name}}_counts AS (
  SELECT
    {{keys}},
    t.bucket,
    {{sums}}
  FROM {{name}}_placed AS t
  GROUP BY {{keys}}, t.bucket
),
{{name}}_buckets AS (
  SELECT
    t.*,
    {{running}}
  FROM {{name}}_counts AS t
  WINDOW in_order AS (PARTITION BY {{keys}})
)
