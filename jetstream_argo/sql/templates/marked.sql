-- One row per analysis unit, branch and date with rows that count; and one with a reason, and without values, for each
-- unit that is gone from telemetry and had rows on the date when other columns were read.
WITH units AS (
  SELECT u.analysis_id, u.branch, u.enrollment_date, u.assignment
  FROM {{units}} AS u
  WHERE u.assignment IN ({{assignments}})
),
fresh AS (
  {{fresh}}
),
earlier AS (
  SELECT DISTINCT p.analysis_id, p.branch, p.submission_date
  FROM (
    {{earlier}}
  ) AS p
)
SELECT f.*, CAST(NULL AS STRING) AS reason
FROM fresh AS f
UNION ALL
SELECT
  {{columns}}
FROM earlier AS p
INNER JOIN units AS u
  ON u.analysis_id = p.analysis_id AND u.branch = p.branch
INNER JOIN {{departed}} AS g
  ON g.analysis_id = p.analysis_id AND g.branch = p.branch AND g.batch = {{departed_batch}}
LEFT JOIN fresh AS n
  ON n.analysis_id = p.analysis_id AND n.branch = p.branch AND n.submission_date = p.submission_date
WHERE n.analysis_id IS NULL
