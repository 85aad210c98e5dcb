{# One row per unit and branch, with the first date on which the unit said that it had enrolled. #}
SELECT
  event.{{ unit | ident }} AS analysis_id,
  mozfun.map.get_key(event.event_map_values, 'branch') AS branch,
  MIN(event.submission_date) AS enrollment_date,
  COUNT(*) AS num_enrollment_events
FROM `moz-fx-data-shared-prod.telemetry.events` AS event
WHERE event.submission_date BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
  AND event.event_category = 'normandy'
  AND event.event_method = 'enroll'
  AND event.event_string_value = {{ slug | literal }}
  AND event.sample_id < {{ sample_size }}
  AND event.{{ unit | ident }} IS NOT NULL
GROUP BY analysis_id, branch
