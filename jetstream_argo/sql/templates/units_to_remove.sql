-- One row per unit that is to be removed.
SELECT DISTINCT CAST(q.{{column}} AS STRING) AS {{unit}}
FROM (
{{query}}
) AS q
WHERE q.{{column}} IS NOT NULL
