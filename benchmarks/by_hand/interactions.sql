-- What the days of a period's windows come to, for every unit with telemetry in a window.
CREATE TEMP TABLE interactions_{period} AS
SELECT
  unit,
  {window} AS window_index,
  count_if(opened) AS sidebar_opens,
  sum(visit_seconds) AS sidebar_seconds,
  bit_count(bit_or(feature)) AS features_used,
  quantile_disc(visit_seconds, 0.5) AS typical_visit_seconds
FROM interactions
WHERE day BETWEEN {first_day} AND {last_day}
GROUP BY ALL;
