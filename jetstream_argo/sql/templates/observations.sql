(
  SELECT
    {{columns}}
  FROM (
    {{values}}
  ) AS v
  INNER JOIN {{enrollments}} AS e
    ON e.analysis_id = v.analysis_id AND e.branch = v.branch
  {{joins}}
  CROSS JOIN UNNEST([
    {{segments}}
  ]) AS in_segment
  WHERE in_segment IS NOT NULL
)
