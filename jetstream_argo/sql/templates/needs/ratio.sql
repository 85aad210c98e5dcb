-- One row per basis, window, segment and branch with units: joint moments of a numerator and a denominator, as clipped.
WITH {{units}},
held AS (
  SELECT t.*, IF(t.y IS NULL OR t.d IS NULL, 0, t.units) AS n_both
  FROM treated AS t
),
{{places}},
limits AS (
  SELECT
    y.basis,
    y.window_index,
    y.segment,
    y.branch,
    {{limits}}
  FROM of_y AS y
  INNER JOIN of_d AS d
    ON d.basis = y.basis AND d.window_index = y.window_index AND d.segment = y.segment AND d.branch = y.branch
),
scales AS (
  SELECT
    l.*,
    {{scales}}
  FROM limits AS l
),
standard AS (
  SELECT
    t.*,
    {{standard}}
  FROM held AS t
  LEFT JOIN scales AS s
    ON s.basis = t.basis AND s.window_index = t.window_index AND s.segment = t.segment AND s.branch = t.branch
)
SELECT
  {{columns}}
FROM standard AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
