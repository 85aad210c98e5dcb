-- One row per analysis unit, branch and date, as it was read for several experiments at once; rows without analysis_id
-- and date tell what the aggregates give for a unit without rows.
SELECT
  {{columns}}
FROM {{shared}} AS s
WHERE s.batch = {{batch}}
  AND s.shared_experiment = {{experiment}}
  AND (s.analysis_id IS NULL OR s.shared_assignment IN ({{assignments}}))
  AND (s.submission_date IS NULL OR s.submission_date BETWEEN {{first}} AND {{last}})
