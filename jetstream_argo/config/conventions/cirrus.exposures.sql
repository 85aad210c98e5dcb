{# One row per exposed user and branch. Exposures before the user's own enrollment do not count. #}
WITH exposures AS (
  SELECT
    mozfun.map.get_key(event.extra, 'nimbus_user_id') AS analysis_id,
    mozfun.map.get_key(event.extra, 'branch') AS branch,
    DATE(ping.submission_timestamp) AS submission_date
  FROM `moz-fx-data-shared-prod.{{ dataset }}.events` AS ping
  CROSS JOIN UNNEST(ping.events) AS event
  WHERE DATE(ping.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
    AND event.category = 'cirrus_events'
    AND event.name IN ('expose', 'exposure')
    AND mozfun.map.get_key(event.extra, 'experiment') = {{ slug | literal }}
)
SELECT
  enrolled.analysis_id,
  enrolled.branch,
  MIN(exposures.submission_date) AS exposure_date,
  COUNT(*) AS num_exposure_events
FROM raw_enrollments AS enrolled
JOIN exposures
  ON exposures.analysis_id = enrolled.analysis_id
  AND exposures.branch = enrolled.branch
  AND exposures.submission_date >= enrolled.enrollment_date
GROUP BY enrolled.analysis_id, enrolled.branch
