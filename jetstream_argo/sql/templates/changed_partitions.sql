-- One row is a partition of a table that was changed since a moment, with all its rows.
SELECT
  parts.partition_id AS partition_id,
  SUM(parts.total_rows) AS total_rows
FROM {{partitions}} AS parts
WHERE
  parts.table_name = {{table}}
GROUP BY
  parts.partition_id
HAVING
  SUM(parts.total_rows) > 0
  AND MAX(parts.last_modified_time) >= {{since}}
ORDER BY
  partition_id
