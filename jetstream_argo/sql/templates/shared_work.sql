-- One row: the scan.
SELECT w.work
FROM {{work}} AS w
WHERE w.scan = {{scan}}
