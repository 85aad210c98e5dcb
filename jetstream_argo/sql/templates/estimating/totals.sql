-- One row per basis, window and branch with units: counts, for each segment.
WITH {{units}}{{few}},
sums AS (
  SELECT
    {{columns}}
  FROM treated AS s
  GROUP BY s.basis, s.window_index, s.branch
)
SELECT
  s.*{{found}}
FROM sums AS s{{joined}}
