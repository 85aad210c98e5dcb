-- One row per estimate, from the latest complete batch of its metric, period and window.
WITH batches AS (
  SELECT
    s.period,
    metric,
    window_index,
    s.batch,
    ROW_NUMBER() OVER (PARTITION BY s.period, metric, window_index ORDER BY s.recorded_at DESC, s.batch DESC) AS age
  FROM `analysis.status_new_tab_bcf70614` AS s
  CROSS JOIN UNNEST(s.metrics) AS metric
  CROSS JOIN UNNEST(GENERATE_ARRAY(s.first_window, s.last_window)) AS window_index
  WHERE s.kind = 'statistics'
    AND s.state IN ('computed', 'no_data')
    AND s.period IN ('week')
)
SELECT
  e.metric,
  e.statistic,
  e.parameter,
  e.branch,
  e.comparison,
  e.comparison_to_branch,
  e.ci_width,
  e.point,
  e.lower,
  e.upper,
  e.segment,
  e.analysis_basis,
  CAST(e.window_index AS STRING) AS window_index,
  e.window_start,
  e.window_end,
  e.n_units,
  e.adjusted,
  e.reason,
  e.p_value,
  e.period,
  e.batch,
  e.position,
  e.computed_at,
  e.plan
FROM `analysis.estimates_new_tab_bcf70614` AS e
INNER JOIN batches AS b
  ON b.batch = e.batch
  AND b.metric = e.metric
  AND b.period = e.period
  AND b.window_index = e.window_index
WHERE b.age = 1
  AND e.period IN ('week')
