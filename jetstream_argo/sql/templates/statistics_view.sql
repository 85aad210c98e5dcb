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
),
latest AS (
  SELECT e.*
  FROM {{estimates}} AS e
  INNER JOIN batches AS b
    ON b.batch = e.batch
    AND b.metric = e.metric
    AND b.period = e.period
    AND b.window_index = e.window_index
  WHERE b.age = 1
    AND e.period IN ({{periods}})
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
        {{preference}},
        l.position
    ) AS choice
  FROM latest AS l
),
tested AS (
  SELECT
    c.*,
    IF(c.choice = 1 AND c.comparison = 'difference', c.p_value, NULL) AS test,
    IF(c.choice = 1 AND c.comparison = 'difference', {{rest_p_value}}, NULL) AS rest_test
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
  {{columns}},
  IF(p.test IS NULL, NULL, LEAST(1.0, MAX(p.test * (p.tests - p.place + 1)) OVER (family ORDER BY p.place))) AS p_value_holm,
  IF(p.test IS NULL, NULL, LEAST(1.0, MIN(p.test * p.tests / p.place) OVER (family ORDER BY p.place DESC))) AS p_value_bh,
  IF(
    p.rest_test IS NULL,
    NULL,
    LEAST(1.0, MAX(p.rest_test * (p.rest_tests - p.rest_place + 1)) OVER (rest_family ORDER BY p.rest_place))
  ) AS rest_p_value_holm,
  IF(p.rest_test IS NULL, NULL, p.rest_tests) AS rest_tests,
  MAX(IF(p.statistic = {{srm}}, p.p_value, NULL)) OVER of_window AS sample_ratio_p_value,
  MAX(IF(p.statistic = {{srm}} AND p.p_value IS NOT NULL, IF(p.reason = {{mismatch}}, 1, 0), NULL)) OVER of_window = 1
    AS sample_ratio_mismatch
FROM placed AS p
WINDOW
  family AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.segment, p.comparison_to_branch),
  rest_family AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.comparison_to_branch),
  of_window AS (PARTITION BY p.period, p.window_index, p.analysis_basis, p.segment)
