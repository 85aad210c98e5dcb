units AS (
  SELECT
    {{columns}}
  FROM {{leaf}} AS o
  WHERE o.window_index IN ({{windows}})
){{steps}},
treated AS (
  SELECT
    {{values}}
  FROM {{last}} AS s
)
