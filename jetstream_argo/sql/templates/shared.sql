-- One row per experiment, analysis unit, branch and date on which the unit has rows that count. A row without
-- analysis_id and date tells what the aggregates give for a unit without rows that enrolled into this branch on this
-- date.
WITH units AS (
  {{units}}
)
SELECT
  {{columns}}
FROM units AS e
LEFT JOIN {{source}} AS ds
  ON {{unit}} = e.analysis_id
  AND {{dates}}
  AND ({{counts}})
GROUP BY e.shared_experiment, e.shared_assignment, e.analysis_id, e.branch, e.enrollment_date, {{date}}
HAVING e.analysis_id IS NULL OR COUNT({{date}}) > 0
