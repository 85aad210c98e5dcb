-- One row is a partition, and how many rows it has of one batch.
SELECT
  CAST(rows_written.{{column}} AS STRING) AS partition_value,
  COUNT(*) AS total_rows
FROM {{table}} AS rows_written
WHERE
  rows_written.batch = {{batch}}
  AND ({{within}})
GROUP BY
  partition_value
ORDER BY
  partition_value
