,
treated AS (
  SELECT
    {{columns}}
  FROM finite AS f
  GROUP BY
    {{keys}}
)
