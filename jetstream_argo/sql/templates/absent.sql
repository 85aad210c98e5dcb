-- One row per departed unit and branch that has no row in some dates of a source either, or is known to be deleted.
SELECT {{batch}} AS batch, g.analysis_id, g.branch
FROM {{departed}} AS g
LEFT JOIN (
  SELECT DISTINCT {{unit}} AS analysis_id
  FROM {{source}} AS ds
  WHERE {{dates}}
) AS n
  ON n.analysis_id = g.analysis_id
{{deleted}}
WHERE g.batch = {{departed_batch}} AND (n.analysis_id IS NULL{{or_deleted}})
