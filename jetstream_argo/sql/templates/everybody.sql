SELECT s.unit AS analysis_id, branch, MIN(s.day) AS enrollment_date, 1 AS num_enrollment_events
FROM (
  {{seen}}
) AS s
CROSS JOIN UNNEST([{{branches}}]) AS branch
WHERE s.unit IS NOT NULL
GROUP BY s.unit, branch
