-- One row per estimate, from the latest complete batch of its metric, period and window.
WITH batches AS (
  SELECT
    s.period,
    metric,
    window_index,
    s.batch,
    ROW_NUMBER() OVER (PARTITION BY s.period, metric, window_index ORDER BY s.recorded_at DESC, s.batch DESC) AS age
  FROM {{status}} AS s
  CROSS JOIN UNNEST(s.metrics) AS metric
  CROSS JOIN UNNEST(GENERATE_ARRAY(s.first_window, s.last_window)) AS window_index
  WHERE s.kind = {{kind}}
    AND s.state IN ({{states}})
    AND s.period IN ({{periods}})
)
SELECT
  {{columns}}
FROM {{estimates}} AS e
INNER JOIN batches AS b
  ON b.batch = e.batch
  AND b.metric = e.metric
  AND b.period = e.period
  AND b.window_index = e.window_index
WHERE b.age = 1
  AND e.period IN ({{periods}})
