units AS (
  SELECT
    {{columns}}
  FROM {{observations}} AS o
  INNER JOIN UNNEST([
    {{windows}}
  ]) AS w
    ON w.window_index = o.window_index
  WHERE o.branch IN ({{branches}})
),
counted AS (
  SELECT
    {{keys}},
    COUNT(*) AS units
  FROM units AS u
  GROUP BY
    {{keys}}
){{steps}},
{{finite}} AS (
  SELECT
    {{values}}
  FROM {{last}} AS s
){{merged}}
