-- Which segments a unit is in, on which dates it opened the sidebar, and what it did before: one row per unit.
-- Bit 0 of `opened_on` is the first date of enrollment.
CREATE TEMP TABLE units AS
SELECT
  e.unit,
  e.branch,
  coalesce(a.active_hours > 5, FALSE) AS heavy_users,
  coalesce(a.on_windows, FALSE) AS on_windows,
  coalesce(o.opened_on, 0) AS opened_on,
  coalesce(a.active_hours, 0) AS active_hours,
  coalesce(a.page_views, 0) AS page_views,
  coalesce(s.search_count, 0) AS search_count
FROM enrolled AS e
LEFT JOIN (
  SELECT
    unit,
    sum(active_hours) AS active_hours,
    sum(page_views) AS page_views,
    bool_or(on_windows) AS on_windows
  FROM activity_days
  WHERE day < 0
  GROUP BY unit
) AS a USING (unit)
LEFT JOIN (
  SELECT unit, sum(search_count) AS search_count FROM search_days WHERE day < 0 GROUP BY unit
) AS s USING (unit)
LEFT JOIN (
  SELECT i.unit, bit_or(1::BIGINT << (e.enrolled_on - DATE '2026-03-02' + i.day)) AS opened_on
  FROM interactions_days AS i
  JOIN enrolled AS e USING (unit)
  WHERE i.sidebar_opens > 0
  GROUP BY i.unit
) AS o USING (unit);

-- On the basis of exposures a unit counts in a window if it opened the sidebar on one of the window's dates, as these
-- are for a unit that enrolled on the last date.
CREATE TEMP TABLE windows AS
SELECT 'preenrollment_week' AS period, 1 AS window_index, 127::BIGINT AS dates
UNION ALL
SELECT 'day', k, 1::BIGINT << (6 + k) FROM range(1, 30) AS days(k)
UNION ALL
SELECT 'week', k, 127::BIGINT << (7 * k) FROM range(1, 5) AS weeks(k)
UNION ALL
SELECT period, 1, ((1::BIGINT << 28) - 1) << 7 FROM (VALUES ('days28'), ('overall')) AS whole(period);

-- Who counts: all units, where `dates` is 0, and those that opened the sidebar on these dates.
CREATE TEMP TABLE members AS
SELECT 0::BIGINT AS dates, u.* EXCLUDE (opened_on) FROM units AS u
UNION ALL
SELECT d.dates, u.* EXCLUDE (opened_on)
FROM (SELECT DISTINCT dates FROM windows) AS d
JOIN units AS u ON u.opened_on & d.dates <> 0;

-- Populations 0, 1, 2 are all units, heavy users and those on Windows; 3, 4, 5 the exposed ones of these.
CREATE TEMP TABLE sizes AS
SELECT
  dates,
  branch,
  unnest([0, 1, 2]) + if(dates = 0, 0, 3) AS population,
  unnest([count(*), count_if(heavy_users), count_if(on_windows)]) AS n
FROM members
GROUP BY dates, branch;

CREATE TEMP TABLE everybody AS
SELECT dates, population, CAST(sum(n) AS BIGINT) AS n FROM sizes GROUP BY ALL;

CREATE TEMP TABLE limits_of_covariates (covariate VARCHAR, dates BIGINT, population INTEGER, top DOUBLE, qbar DOUBLE);
CREATE TEMP TABLE moments_of_covariates (
  covariate VARCHAR, dates BIGINT, population INTEGER, branch VARCHAR, sum_x DOUBLE, sum_xx DOUBLE
);
CREATE TEMP TABLE moments (
  period VARCHAR, metric VARCHAR, window_index INTEGER, branch VARCHAR, population INTEGER, is_adjusted BOOLEAN,
  is_zero_without_rows BOOLEAN, n_values BIGINT, sum_y DOUBLE, sum_yy DOUBLE, sum_xy DOUBLE
);
CREATE TEMP TABLE successes (
  period VARCHAR, metric VARCHAR, window_index INTEGER, branch VARCHAR, population INTEGER, successes BIGINT
);
CREATE TEMP TABLE totals (
  period VARCHAR, window_index INTEGER, branch VARCHAR, population INTEGER, ad_clicks DOUBLE, searches DOUBLE,
  ad_clicks_squared DOUBLE, searches_squared DOUBLE, products DOUBLE
);
CREATE TEMP TABLE deciles (
  period VARCHAR, population INTEGER, branch VARCHAR, p DOUBLE, mean DOUBLE, mean_of_inverse DOUBLE, zeros DOUBLE
);
