-- One row per unit of some that is assigned to a branch.
SELECT g.analysis_id
FROM {{units}} AS g
INNER JOIN (SELECT DISTINCT a.analysis_id FROM {{assignments}} AS a) AS t
  ON t.analysis_id = g.analysis_id
