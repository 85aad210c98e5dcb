-- One row: the first unit of those that are to be removed.
SELECT MIN(g.analysis_id) AS analysis_id
FROM {{gone}} AS g
