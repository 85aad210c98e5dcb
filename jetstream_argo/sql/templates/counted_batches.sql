-- All rows of the table but those of batches that nothing counts.
SELECT r.*
FROM {{stored}} AS r
WHERE r.batch NOT IN ({{batches}})
  AND {{everywhere}}
