-- One row per basis, window, segment and branch with units: moments of a value and its covariate, as clipped.
WITH {{units}},
held AS (
  SELECT
    t.*,
    IF(t.y IS NULL, 0, t.units) AS n_y,
    IF(t.x IS NULL, 0, t.units) AS n_x,
    IF(t.y IS NULL OR t.x IS NULL, 0, t.units) AS n_both
  FROM treated AS t
),
ranked AS (
  SELECT
    h.*,
    SUM(h.n_y) OVER (pooled ORDER BY h.y) AS y_upto,
    SUM(h.n_y) OVER pooled AS y_n,
    SUM(h.n_x) OVER (pooled ORDER BY h.x) AS x_upto,
    SUM(h.n_x) OVER pooled AS x_n,
    SUM(h.n_both) OVER (pooled ORDER BY h.x) AS both_upto,
    SUM(h.n_both) OVER (pooled ORDER BY h.x RANGE BETWEEN CURRENT ROW AND CURRENT ROW) AS both_here,
    SUM(h.n_both) OVER pooled AS both_n
  FROM held AS h
  WINDOW pooled AS (PARTITION BY h.basis, h.window_index, h.segment)
),
around AS (
  SELECT
    {{around}}
  FROM ranked AS r
  WINDOW pooled AS (PARTITION BY r.basis, r.window_index, r.segment)
),
limited AS (
  SELECT
    {{limited}}
  FROM around AS a
),
clipped AS (
  SELECT
    {{clipped}}
  FROM limited AS l
),
centred AS (
  SELECT
    {{centred}}
  FROM clipped AS c
  WINDOW
    pooled AS (PARTITION BY c.basis, c.window_index, c.segment),
    of_branch AS (PARTITION BY c.basis, c.window_index, c.segment, c.branch)
),
scaled AS (
  SELECT
    {{scaled}}
  FROM centred AS c
),
standard AS (
  SELECT
    {{standard}}
  FROM scaled AS z
),
reached AS (
  SELECT
    d.*,
    {{reached}}
  FROM standard AS d
),
weighted AS (
  SELECT
    m.*,
    IF(m.n_both = 0, 0.0, ({{weight}}) / 1e8 * m.n_both / m.both_here) AS weight
  FROM reached AS m
)
SELECT
  {{columns}}
FROM weighted AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
