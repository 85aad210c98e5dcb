-- One row per batch and experiment.
SELECT s.*
FROM {{record}} AS s
WHERE {{conditions}}
ORDER BY s.recorded_at, s.batch
