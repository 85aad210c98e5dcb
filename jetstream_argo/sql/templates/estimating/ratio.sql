-- One row per basis, window and branch with units: joint moments of a numerator and a denominator, for each segment.
WITH {{units}},
{{quantiles}},
limits AS (
  SELECT
    y.basis,
    y.window_index,
    y.branch,
    {{limits}}
  FROM of_y AS y
  INNER JOIN of_d AS d
    ON d.basis = y.basis AND d.window_index = y.window_index AND d.branch = y.branch
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
  FROM treated AS t
  LEFT JOIN scales AS s
    ON s.basis = t.basis AND s.window_index = t.window_index AND s.branch = t.branch
)
SELECT
  {{columns}}
FROM standard AS s
GROUP BY s.basis, s.window_index, s.branch
