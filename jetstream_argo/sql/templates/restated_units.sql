-- One row per branch: how many units are new, changed, carried over and gone, by the rows there were and those there are.
WITH units AS (
  SELECT u.analysis_id, u.branch, u.assignment
  FROM {{units}} AS u
),
earlier AS (
  SELECT
    {{earlier_columns}}
  FROM (
    {{earlier}}
  ) AS p
  GROUP BY p.analysis_id, p.branch, p.submission_date
),
fresh AS (
  SELECT
    {{fresh_columns}}
  FROM {{restated}} AS p
  WHERE p.analysis_id IS NOT NULL AND p.submission_date IS NOT NULL
    AND {{dates}}
  GROUP BY p.analysis_id, p.branch, p.submission_date
),
dates AS (
  SELECT
    COALESCE(e.analysis_id, f.analysis_id) AS analysis_id,
    COALESCE(e.branch, f.branch) AS branch,
    e.analysis_id IS NOT NULL AS was_there,
    f.analysis_id IS NOT NULL AS is_there,
    {{differs}} AS differs
  FROM earlier AS e
  FULL JOIN fresh AS f
    ON f.analysis_id = e.analysis_id AND f.branch = e.branch AND f.submission_date = e.submission_date
),
changes AS (
  SELECT
    d.analysis_id,
    d.branch,
    LOGICAL_OR(d.was_there) AS was_there,
    LOGICAL_OR(d.is_there) AS is_there,
    LOGICAL_OR(d.differs) AS differs
  FROM dates AS d
  GROUP BY d.analysis_id, d.branch
)
SELECT
  c.branch,
  COUNTIF(NOT c.was_there) AS new,
  COUNTIF(c.was_there AND c.is_there AND c.differs) AS changed,
  COUNTIF({{carried}}) AS carried,
  COUNTIF(NOT c.is_there) AS gone
FROM changes AS c{{departed}}
GROUP BY c.branch
ORDER BY c.branch
