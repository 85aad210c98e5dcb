-- One row per unit: the experiment's key, and the unit's hash by it.
SELECT u.key, u.hash
FROM (
  SELECT k.key, {{hash}} AS hash
  FROM {{units}} AS g
  CROSS JOIN (SELECT MIN(s.key) AS key FROM {{shredded}} AS s) AS k
) AS u
LEFT JOIN {{shredded}} AS x
  ON x.key = u.key AND x.hash = u.hash
WHERE x.hash IS NULL
