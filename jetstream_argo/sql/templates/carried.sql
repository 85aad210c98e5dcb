-- One row per analysis unit, branch and date with rows that count; and those of units that are gone, as they were.
WITH units AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.assignment
  FROM {{units}} AS u
  WHERE u.assignment IN ({{assignments}})
),
fresh AS (
  {{fresh}}
),
earlier AS (
  {{earlier}}
)
SELECT {{fresh_columns}}
FROM fresh AS f
LEFT JOIN {{departed}} AS k
  ON k.analysis_id = f.analysis_id AND k.branch = f.branch AND k.batch = {{departed_batch}}
WHERE k.analysis_id IS NULL
UNION ALL
SELECT
  {{columns}}
FROM earlier AS p
INNER JOIN units AS u
  ON u.analysis_id = p.analysis_id AND u.branch = p.branch
INNER JOIN {{departed}} AS g
  ON g.analysis_id = p.analysis_id AND g.branch = p.branch AND g.batch = {{departed_batch}}
