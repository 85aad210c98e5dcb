merged AS (
  SELECT
    {{columns}}
  FROM days AS d
  GROUP BY d.analysis_id, d.branch, d.submission_date
),
