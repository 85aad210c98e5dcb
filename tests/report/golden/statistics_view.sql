-- One row per estimate, from the latest complete batch of its metric, period and window.
WITH batches AS (
  SELECT
    s.period,
    metric,
    window_index,
    s.batch,
    ROW_NUMBER() OVER (PARTITION BY s.period, metric, window_index ORDER BY s.recorded_at DESC, s.batch DESC) AS age
  FROM `analysis.status_new_tab_a30b2b28` AS s
  CROSS JOIN UNNEST(s.metrics) AS metric
  CROSS JOIN UNNEST(GENERATE_ARRAY(s.first_window, s.last_window)) AS window_index
  WHERE s.kind = 'statistics'
    AND s.state IN ('computed', 'no_data', 'forgotten')
    AND s.period IN ('week')
),
latest AS (
  SELECT e.*
  FROM `analysis.estimates_new_tab_a30b2b28` AS e
  INNER JOIN batches AS b
    ON b.batch = e.batch
    AND b.metric = e.metric
    AND b.period = e.period
    AND b.window_index = e.window_index
  WHERE b.age = 1
    AND e.period IN ('week')
),
chosen AS (
  SELECT
    l.*,
    ROW_NUMBER() OVER (
      PARTITION BY
        l.period,
        l.window_index,
        l.analysis_basis,
        l.segment,
        l.comparison_to_branch,
        l.metric,
        l.branch
      ORDER BY
        IF(l.comparison = 'difference' AND l.p_value IS NOT NULL, 0, 1),
        CASE l.statistic WHEN 'mean_welch' THEN 0 WHEN 'mean_lm' THEN 1 WHEN 'mean_lm_noclip' THEN 2 WHEN 'ratio_delta' THEN 3 WHEN 'binomial' THEN 4 WHEN 'mean' THEN 5 ELSE 6 END,
        l.position
    ) AS choice
  FROM latest AS l
),
tested AS (
  SELECT
    c.*,
    IF(c.choice = 1 AND c.comparison = 'difference', c.p_value, NULL) AS test,
    IF(c.choice = 1 AND c.comparison = 'difference', c.rest_p_value, NULL) AS rest_test
  FROM chosen AS c
),
placed AS (
  SELECT
    t.*,
    COUNT(t.test) OVER family AS tests,
    ROW_NUMBER() OVER (family ORDER BY IF(t.test IS NULL, 1, 0), t.test, t.metric, t.branch) AS place,
    COUNT(t.rest_test) OVER rest_family AS rest_tests,
    ROW_NUMBER() OVER (
      rest_family ORDER BY IF(t.rest_test IS NULL, 1, 0), t.rest_test, t.metric, t.branch, t.segment
    ) AS rest_place
  FROM tested AS t
  WINDOW
    family AS (PARTITION BY t.period, t.window_index, t.analysis_basis, t.segment, t.comparison_to_branch),
    rest_family AS (PARTITION BY t.period, t.window_index, t.analysis_basis, t.comparison_to_branch)
)
SELECT
  p.metric,
  p.statistic,
  p.parameter,
  p.branch,
  p.comparison,
  p.comparison_to_branch,
  p.ci_width,
  p.point,
  p.lower,
  p.upper,
  p.segment,
  p.analysis_basis,
  CAST(p.window_index AS STRING) AS window_index,
  p.window_start,
  p.window_end,
  p.n_units,
  p.adjusted,
  p.reason,
  p.p_value,
  p.std_error,
  p.variance_reduction,
  p.chance_to_win,
  p.expected_loss,
  p.adjusted_mean,
  p.adjusted_reference_mean,
  p.n_without_covariate,
  p.n_clipped,
  p.clipped_share,
  p.denominator_clipped_share,
  p.unclipped,
  p.clipping_matters,
  p.rest_effect,
  p.rest_difference,
  p.rest_lower,
  p.rest_upper,
  p.rest_p_value,
  p.settles_on,
  p.period,
  p.batch,
  p.position,
  p.computed_at,
  p.plan,
  IF(p.test IS NULL, NULL, LEAST(1.0, MAX(p.test * (p.tests - p.place + 1)) OVER (family ORDER BY p.place))) AS p_value_holm,
  IF(p.test IS NULL, NULL, LEAST(1.0, MIN(p.test * p.tests / p.place) OVER (family ORDER BY p.place DESC))) AS p_value_bh,
  IF(
    p.rest_test IS NULL,
    NULL,
    LEAST(1.0, MAX(p.rest_test * (p.rest_tests - p.rest_place + 1)) OVER (rest_family ORDER BY p.rest_place))
  ) AS rest_p_value_holm,
  IF(p.rest_test IS NULL, NULL, p.rest_tests) AS rest_tests,
  MAX(IF(p.statistic = 'srm', p.p_value, NULL)) OVER of_window AS sample_ratio_p_value,
  MAX(IF(p.statistic = 'srm' AND p.p_value IS NOT NULL, IF(p.reason = 'sample_ratio_mismatch', 1, 0), NULL)) OVER of_window = 1
    AS sample_ratio_mismatch
FROM placed AS p
WINDOW
  family AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.segment, p.comparison_to_branch),
  rest_family AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.comparison_to_branch),
  of_window AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.segment)
