-- One row per basis, window and branch with units: counts, and moments of the values as clipped, for each segment.
WITH {{units}}{{few}},
{{quantiles}},
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
),
sums AS (
  SELECT
    {{columns}}
  FROM standard AS s
  GROUP BY s.basis, s.window_index, s.branch
)
SELECT
  s.*,
  {{constants}}{{found}}
FROM sums AS s
LEFT JOIN scales AS l
  ON l.basis = s.basis AND l.window_index = s.window_index AND l.branch = s.branch{{joined}}
