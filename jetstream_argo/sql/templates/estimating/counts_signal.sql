-- One row per window, segment and branch with units that a signal exposed.
WITH units AS (
  SELECT
    e.analysis_id,
    e.branch,
    e.enrollment_date,
    {{members}}
  FROM {{enrollments}} AS e
  WHERE e.branch IN ({{branches}})
),
exposed AS (
  SELECT
    u.branch,
    {{memberships}},
    {{windows}}
  FROM units AS u
  INNER JOIN (
    {{signals}}
  ) AS s
    ON s.analysis_id = u.analysis_id AND s.branch = u.branch AND s.submission_date >= u.enrollment_date
  WHERE s.{{signal}} > 0
  GROUP BY u.analysis_id, u.branch
),
counts AS (
  SELECT
    x.branch,
    {{counts}}
  FROM exposed AS x
  GROUP BY x.branch
)
SELECT g.window_index, g.segment, c.branch, g.n
FROM counts AS c
CROSS JOIN UNNEST([
  {{cells}}
]) AS g
WHERE g.n > 0
