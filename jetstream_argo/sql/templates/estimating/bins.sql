-- One row per basis, window, segment and branch with many distinct values: moments of those near its grid, in boxes.
WITH {{placed}},
kept AS (
  SELECT
    p.basis,
    p.window_index,
    p.segment,
    p.branch,
    p.units,
    p.y,
    p.bandwidth,
    CAST(FLOOR(p.y / p.bandwidth * {{boxes}}) AS INT64) AS box
  FROM (
    SELECT
      p.*,
      {{bandwidth}} AS bandwidth
    FROM placed AS p
  ) AS p
  WHERE p.bandwidth > 0
    AND GREATEST(ABS(p.minimum), ABS(p.maximum)) / p.bandwidth <= {{most}}
    AND (
      ABS(p.y - p.point_below) <= {{reach}} * p.bandwidth
      OR ABS(p.point_above - p.y) <= {{reach}} * p.bandwidth
      OR (p.is_log AND p.minimum = 0 AND p.y <= {{reach}} * p.bandwidth)
    )
),
offsets AS (
  SELECT
    k.*,
    k.y / k.bandwidth - (k.box + 0.5) / {{boxes}} AS e
  FROM kept AS k
),
boxed AS (
  SELECT
    o.basis,
    o.window_index,
    o.segment,
    o.branch,
    o.box,
    MAX(o.bandwidth) AS bandwidth,
    {{moments}}
  FROM offsets AS o
  GROUP BY o.basis, o.window_index, o.segment, o.branch, o.box
)
SELECT
  b.basis,
  b.window_index,
  b.segment,
  b.branch,
  MAX(b.bandwidth) AS bandwidth,
  ARRAY_AGG(b.box ORDER BY b.box) AS boxes,
  {{arrays}}
FROM boxed AS b
GROUP BY b.basis, b.window_index, b.segment, b.branch
