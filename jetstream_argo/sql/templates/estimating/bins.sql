-- One row per basis, window, segment and branch with many distinct values: moments of those near its grid, in bins.
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
    CAST(FLOOR(p.y / p.bandwidth * {{per_bandwidth}}) AS INT64) AS bin
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
    k.y / k.bandwidth - (k.bin + 0.5) / {{per_bandwidth}} AS e
  FROM kept AS k
),
binned AS (
  SELECT
    o.basis,
    o.window_index,
    o.segment,
    o.branch,
    o.bin,
    MAX(o.bandwidth) AS bandwidth,
    {{moments}}
  FROM offsets AS o
  GROUP BY o.basis, o.window_index, o.segment, o.branch, o.bin
)
SELECT
  b.basis,
  b.window_index,
  b.segment,
  b.branch,
  MAX(b.bandwidth) AS bandwidth,
  ARRAY_AGG(b.bin ORDER BY b.bin) AS bins,
  {{arrays}}
FROM binned AS b
GROUP BY b.basis, b.window_index, b.segment, b.branch
