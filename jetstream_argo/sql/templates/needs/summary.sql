-- One row per basis, window, segment and branch with units: counts, and moments of the values as clipped.
WITH {{units}},
held AS (
  SELECT t.*, IF(t.y IS NULL, 0, t.units) AS n_held
  FROM treated AS t
),
{{places}},
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
