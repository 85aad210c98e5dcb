{# One row per unit and branch, with the first date on which the unit said that it had enrolled. #}
SELECT
  event.{{ unit | ident }} AS analysis_id,
  JSON_VALUE(event.event_extra, '$.branch') AS branch,
  MIN(DATE(event.submission_timestamp)) AS enrollment_date,
  COUNT(*) AS num_enrollment_events
FROM `moz-fx-data-shared-prod.{{ dataset }}.events_stream` AS event
WHERE DATE(event.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
  AND event.event_category = 'nimbus_events'
  AND event.event_name = 'enrollment'
  AND JSON_VALUE(event.event_extra, '$.experiment') = {{ slug | literal }}
  AND event.sample_id < {{ sample_size }}
  AND event.{{ unit | ident }} IS NOT NULL
GROUP BY analysis_id, branch
