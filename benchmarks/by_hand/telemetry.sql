-- The values of every unit in every window, from the telemetry of the demo: one scan of each table, then native tables.
-- A unit is a client in a branch. Its days count from its enrollment; no row means that it had no telemetry that day.

CREATE TEMP TABLE enrolled AS
SELECT
  CAST(row_number() OVER () AS INTEGER) AS unit,
  client_id,
  branch,
  min(submission_date) AS enrolled_on
FROM read_parquet('{telemetry}/assignments/*.parquet')
WHERE experiment = 'sidebar-layout' AND submission_date BETWEEN '2026-03-02' AND '2026-03-09'
GROUP BY client_id, branch;

-- What happened on the day of enrollment counts only if it knows of the enrollment.
CREATE TEMP TABLE activity_days AS
SELECT
  e.unit,
  t.submission_date - e.enrolled_on AS day,
  sum(t.active_hours) AS active_hours,
  CAST(sum(t.page_views) AS DOUBLE) AS page_views,
  count(t.has_synced) AS n_synced_known,
  count_if(t.has_synced) AS n_synced,
  bool_or(t.is_default_browser) AS is_default_browser,
  bool_or(t.os = 'Windows') AS on_windows
FROM read_parquet('{telemetry}/daily_activity/*.parquet') AS t
JOIN enrolled AS e USING (client_id)
WHERE t.submission_date BETWEEN e.enrolled_on - 7 AND e.enrolled_on + 28
  AND CASE
    WHEN t.submission_date = e.enrolled_on THEN list_contains([x.key FOR x IN t.experiments], 'sidebar-layout')
    ELSE TRUE
  END
GROUP BY ALL;

CREATE TEMP TABLE search_days AS
SELECT
  e.unit,
  t.submission_date - e.enrolled_on AS day,
  CAST(sum(t.searches) AS DOUBLE) AS search_count,
  CAST(sum(t.ad_clicks) AS DOUBLE) AS ad_clicks
FROM read_parquet('{telemetry}/daily_searches/*.parquet') AS t
JOIN enrolled AS e USING (client_id)
WHERE t.submission_date BETWEEN e.enrolled_on - 7 AND e.enrolled_on + 28
  AND (t.source = 'sidebar' OR t.source = 'urlbar')
  AND CASE
    WHEN t.submission_date = e.enrolled_on THEN list_contains([x.key FOR x IN t.experiments], 'sidebar-layout')
    ELSE TRUE
  END
GROUP BY ALL;

-- Features are numbered, so that a set of them is a number. Days until the last exposure counts.
CREATE TEMP TABLE interactions AS
SELECT
  e.unit,
  CAST(t.submission_date - e.enrolled_on AS TINYINT) AS day,
  t.event_name = 'sidebar_opened' AS opened,
  t.visit_seconds,
  CASE WHEN t.event_name = 'feature_used' THEN 1 << CAST(substr(t.feature, 9) AS INTEGER) END AS feature
FROM read_parquet('{telemetry}/interactions/*.parquet') AS t
JOIN enrolled AS e USING (client_id)
WHERE t.submission_date BETWEEN e.enrolled_on AND '2026-04-06';

CREATE TEMP TABLE interactions_days AS
SELECT unit, day, count_if(opened) AS sidebar_opens, sum(visit_seconds) AS sidebar_seconds, bit_or(feature) AS features
FROM interactions
GROUP BY ALL;

CREATE TEMP VIEW activity_day AS
SELECT unit, day + 1 AS window_index, active_hours, page_views FROM activity_days WHERE day BETWEEN 0 AND 28;

CREATE TEMP VIEW search_day AS
SELECT unit, day + 1 AS window_index, search_count FROM search_days WHERE day BETWEEN 0 AND 28;

CREATE TEMP VIEW interactions_day AS
SELECT unit, day + 1 AS window_index, sidebar_opens FROM interactions_days WHERE day BETWEEN 0 AND 28;
