-- One row is an experiment, a data source of it (or none) and a day: the jobs that have ended, and what they cost.
SELECT
  j.experiment,
  j.source,
  DATE(j.creation_time) AS day,
  COUNT(*) AS jobs,
  SUM(j.total_bytes_billed) AS bytes_billed,
  SUM(j.total_slot_ms) AS slot_ms
FROM (
  SELECT
    o.creation_time,
    o.total_bytes_billed,
    o.total_slot_ms,
    (SELECT MAX(l.value) FROM UNNEST(o.labels) AS l WHERE l.key = 'experiment') AS experiment,
    (SELECT MAX(l.value) FROM UNNEST(o.labels) AS l WHERE l.key = 'source') AS source
  FROM {{jobs}} AS o
  WHERE o.creation_time >= {{since}}
) AS j
WHERE j.experiment IS NOT NULL
GROUP BY j.experiment, j.source, day
ORDER BY j.experiment, j.source, day
