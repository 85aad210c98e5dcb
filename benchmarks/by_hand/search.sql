-- What the days of a period's windows come to, for every unit with telemetry in a window.
CREATE TEMP TABLE search_{period} AS
SELECT
  unit,
  {window} AS window_index,
  sum(search_count) AS search_count,
  sum(ad_clicks) AS ad_clicks,
  sum(ad_clicks) / nullif(sum(search_count), 0) AS ads_per_search
FROM search_days
WHERE day BETWEEN {first_day} AND {last_day}
GROUP BY ALL;
