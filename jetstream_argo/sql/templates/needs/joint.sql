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
{{places}},
limits AS (
  SELECT
    y.basis,
    y.window_index,
    y.segment,
    {{limits}}
  FROM of_y AS y
  LEFT JOIN of_x AS x
    ON x.basis = y.basis AND x.window_index = y.window_index AND x.segment = y.segment
),
scales AS (
  SELECT
    l.*,
    {{scales}}
  FROM limits AS l
),
reached AS (
  SELECT
    d.*,
    {{reached}}
  FROM of_both_ranks AS d
),
reference_values AS (
  SELECT
    m.basis,
    m.window_index,
    m.segment,
    {{qbars}}
  FROM reached AS m
  INNER JOIN scales AS s
    ON s.basis = m.basis AND s.window_index = m.window_index AND s.segment = m.segment
  GROUP BY m.basis, m.window_index, m.segment
),
standard AS (
  SELECT
    t.*,
    {{standard}}
  FROM held AS t
  LEFT JOIN scales AS s
    ON s.basis = t.basis AND s.window_index = t.window_index AND s.segment = t.segment
  LEFT JOIN reference_values AS q
    ON q.basis = t.basis AND q.window_index = t.window_index AND q.segment = t.segment
)
SELECT
  {{columns}}
FROM standard AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
