merged AS (
  SELECT
    {{columns}}
  FROM units AS u
  INNER JOIN days AS d
    ON d.analysis_id = u.analysis_id
    AND d.branch = u.branch
    AND d.submission_date BETWEEN DATE_ADD(u.anchor, INTERVAL {{first_day}} DAY)
      AND DATE_ADD(u.anchor, INTERVAL {{last_day}} DAY)
  {{windows}}
  GROUP BY u.analysis_id, u.branch, window_index
),
