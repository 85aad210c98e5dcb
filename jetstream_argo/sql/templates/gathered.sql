-- One row is a row of a source, of some dates and of enrolled units.
SELECT
  {{columns}}
FROM {{source}} AS ds
WHERE
  {{unit}} IN (
    SELECT u.analysis_id
    FROM {{units}} AS u
    WHERE u.assignment IN ({{assignments}})
  )
  AND (
    {{dates}}
  )
