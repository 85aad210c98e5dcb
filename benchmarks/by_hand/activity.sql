-- What the days of a period's windows come to, for every unit with telemetry in a window.
CREATE TEMP TABLE activity_{period} AS
SELECT
  unit,
  {window} AS window_index,
  sum(active_hours) AS active_hours,
  sum(page_views) AS page_views,
  count(*) AS days_of_use,
  sum(n_synced) / nullif(sum(n_synced_known), 0) AS synced_share,
  bool_or(is_default_browser) AS default_browser,
  TRUE AS retained
FROM activity_days
WHERE day BETWEEN {first_day} AND {last_day}
GROUP BY ALL;
