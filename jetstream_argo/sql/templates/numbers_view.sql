-- One row per estimate that is a number.
SELECT r.* REPLACE ({{finite}})
FROM {{estimates}} AS r
WHERE {{is_number}}
