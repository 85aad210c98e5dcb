-- One row per batch: how many rows there are.
SELECT t.batch, COUNT(*) AS n
FROM {{stored}} AS t
WHERE {{everywhere}}
GROUP BY t.batch
ORDER BY t.batch
