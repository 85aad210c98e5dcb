{{units}},
ends AS (
  SELECT
    t.basis,
    t.window_index,
    t.segment,
    t.branch,
    COUNT(*) AS n_values,
    SUM(t.units) AS n,
    MIN(t.y) AS minimum,
    MAX(t.y) AS maximum,
    MIN(IF(t.y > 0, t.y, NULL)) AS smallest_positive{{mean}}
  FROM long AS t
  WHERE t.y IS NOT NULL
  GROUP BY t.basis, t.window_index, t.segment, t.branch
),
spans AS (
  SELECT e.*, t.y, t.units
  FROM long AS t
  INNER JOIN ends AS e
    ON e.basis = t.basis AND e.window_index = t.window_index AND e.segment = t.segment AND e.branch = t.branch
  WHERE t.y IS NOT NULL
),
grids AS (
  SELECT
    p.*,
    {{is_log}} AS is_log{{deviation}}
  FROM spans AS p
  WHERE p.n_values > {{few}}
),
started AS (
  SELECT
    g.*,
    IF(g.is_log, g.smallest_positive, g.minimum) AS grid_start,
    IF(g.is_log, LOG10(g.smallest_positive), g.minimum) AS scale_start,
    IF(g.is_log, LOG10(g.maximum), g.maximum) AS scale_end,
    IF(g.is_log AND g.y > 0, LOG10(IF(g.y > 0, g.y, 1.0)), g.y) AS scale_y
  FROM grids AS g
),
stepped AS (
  SELECT
    s.*,
    (s.scale_end - s.scale_start) / {{last}} AS step
  FROM started AS s
),
near AS (
  SELECT
    s.*,
    IF(s.y <= s.grid_start, 1, GREATEST(1, LEAST({{last}}, CAST(CEIL((s.scale_y - s.scale_start) / s.step) AS INT64)))) AS k
  FROM stepped AS s
),
placed AS (
  SELECT
    s.*,
    {{below}} AS point_below,
    {{above}} AS point_above
  FROM near AS s
)
