-- One row is a partition that has rows in storage: those of the days asked for, and the last of each table.
SELECT
  parts.table_name AS table_name,
  parts.partition_id AS partition_id,
  SUM(parts.total_rows) AS total_rows,
  SUM(parts.total_logical_bytes) AS total_bytes,
  MAX(parts.last_modified_time) AS modified
FROM {{partitions}} AS parts
WHERE
  parts.table_name IN ({{tables}})
  -- Days and hours: rows without a date, and those that still are in a streaming buffer, have no such number.
  AND (parts.partition_id IS NULL OR REGEXP_CONTAINS(parts.partition_id, r'^(\d{8}|\d{10})$'))
GROUP BY
  parts.table_name,
  parts.partition_id
HAVING
  SUM(parts.total_rows) > 0
QUALIFY
  parts.partition_id IS NULL
  OR SUBSTR(parts.partition_id, 1, 8) BETWEEN {{first}} AND {{last}}
  OR parts.partition_id = MAX(parts.partition_id) OVER (PARTITION BY parts.table_name)
ORDER BY
  table_name,
  partition_id
