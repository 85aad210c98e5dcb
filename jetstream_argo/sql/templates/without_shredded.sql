-- The rows of a relation but for those of units whose hashes are known.
SELECT r.*
FROM {{relation}} AS r
WHERE r.analysis_id NOT IN (
  SELECT u.analysis_id
  FROM {{relation}} AS u
  CROSS JOIN (SELECT DISTINCT s.key FROM {{shredded}} AS s) AS k
  INNER JOIN {{shredded}} AS x
    ON x.key = k.key AND x.hash = {{hash}}
)
