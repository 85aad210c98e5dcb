-- One row per entry.
SELECT s.*
FROM {{record}} AS s
ORDER BY s.recorded_at
