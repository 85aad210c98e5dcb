{# One row per exposed unit and branch. Exposures before the unit's own enrollment do not count. #}
SELECT
  enrolled.analysis_id,
  enrolled.branch,
  MIN(DATE(event.submission_timestamp)) AS exposure_date,
  COUNT(*) AS num_exposure_events
FROM raw_enrollments AS enrolled
JOIN `moz-fx-data-shared-prod.{{ dataset }}.events_stream` AS event
  ON event.{{ unit | ident }} = enrolled.analysis_id
  AND JSON_VALUE(event.event_extra, '$.branch') = enrolled.branch
  AND DATE(event.submission_timestamp) >= enrolled.enrollment_date
WHERE DATE(event.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
  AND event.event_category = 'nimbus_events'
  AND event.event_name IN ('expose', 'exposure')
  AND JSON_VALUE(event.event_extra, '$.experiment') = {{ slug | literal }}
GROUP BY enrolled.analysis_id, enrolled.branch
