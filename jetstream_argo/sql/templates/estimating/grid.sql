-- One row per basis, window, segment and branch with many distinct values: how many are at each step of its grid.
WITH {{placed}},
stepped_to AS (
  SELECT
    p.basis,
    p.window_index,
    p.segment,
    p.branch,
    IF(p.y <= p.point_below, p.k - 1, IF(p.y <= p.point_above, p.k, p.k + 1)) AS point,
    SUM(p.units) AS n
  FROM placed AS p
  GROUP BY p.basis, p.window_index, p.segment, p.branch, point
)
SELECT
  s.basis,
  s.window_index,
  s.segment,
  s.branch,
  ARRAY_AGG(s.point ORDER BY s.point) AS points,
  ARRAY_AGG(s.n ORDER BY s.point) AS counts
FROM stepped_to AS s
GROUP BY s.basis, s.window_index, s.segment, s.branch
