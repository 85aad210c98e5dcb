{{units}},
of_segments AS (
  SELECT
    t.basis,
    t.window_index,
    segment,
    t.branch,
    t.y,
    {{weight}} AS units
  FROM treated AS t
  CROSS JOIN UNNEST([{{segments}}]) AS segment
  WHERE t.y IS NOT NULL
),
long AS (
  SELECT s.basis, s.window_index, s.segment, s.branch, s.y, SUM(s.units) AS units
  FROM of_segments AS s
  WHERE s.units > 0
  GROUP BY s.basis, s.window_index, s.segment, s.branch, s.y
)
