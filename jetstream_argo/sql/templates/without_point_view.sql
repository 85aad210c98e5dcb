-- One row per estimate that is no number, and why.
SELECT r.*
FROM {{estimates}} AS r
WHERE NOT ({{is_number}})
