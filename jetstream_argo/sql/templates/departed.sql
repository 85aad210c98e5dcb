-- One row per assigned unit and branch that the enrollment query does not find any more, or that is known to be deleted.
SELECT {{batch}} AS batch, u.analysis_id, u.branch
FROM {{units}} AS u
LEFT JOIN (
  SELECT DISTINCT CAST(r.analysis_id AS STRING) AS analysis_id
  FROM (
    {{enrollments}}
  ) AS r
) AS f
  ON f.analysis_id = u.analysis_id
{{deleted}}
WHERE f.analysis_id IS NULL{{or_deleted}}
