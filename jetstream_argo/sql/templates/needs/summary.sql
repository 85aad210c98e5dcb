-- One row per basis, window, segment and branch with units: counts, and moments of the values as clipped.
WITH {{units}},
held AS (
  SELECT t.*, IF(t.y IS NULL, 0, t.units) AS n_held
  FROM treated AS t
),
ranked AS (
  SELECT
    {{ranked}}
  FROM held AS h
  WINDOW
    pooled AS (PARTITION BY h.basis, h.window_index, h.segment),
    of_branch AS (PARTITION BY h.basis, h.window_index, h.segment, h.branch)
),
around AS (
  SELECT
    {{around}}
  FROM ranked AS r
  WINDOW
    pooled AS (PARTITION BY r.basis, r.window_index, r.segment),
    of_branch AS (PARTITION BY r.basis, r.window_index, r.segment, r.branch)
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
  WINDOW of_branch AS (PARTITION BY c.basis, c.window_index, c.segment, c.branch)
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
)
SELECT
  {{columns}}
FROM standard AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
