units AS (
  SELECT
    {{columns}}
  FROM {{leaf}} AS o
  {{windows}}
){{steps}},
treated AS (
  SELECT
    {{values}}
  FROM {{last}} AS s
)
