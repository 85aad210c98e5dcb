{# One row per user and branch, with the first date on which a server enrolled the user. There is no sample_id. #}
SELECT
  mozfun.map.get_key(event.extra, 'nimbus_user_id') AS analysis_id,
  mozfun.map.get_key(event.extra, 'branch') AS branch,
  MIN(DATE(ping.submission_timestamp)) AS enrollment_date,
  COUNT(*) AS num_enrollment_events
FROM `moz-fx-data-shared-prod.{{ dataset }}.enrollment` AS ping
CROSS JOIN UNNEST(ping.events) AS event
WHERE DATE(ping.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
  AND ping.client_info.app_channel = 'production'
  AND event.category = 'cirrus_events'
  AND event.name = 'enrollment'
  AND mozfun.map.get_key(event.extra, 'experiment') = {{ slug | literal }}
  AND mozfun.map.get_key(event.extra, 'nimbus_user_id') IS NOT NULL
GROUP BY analysis_id, branch
