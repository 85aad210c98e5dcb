{# One row per exposed unit and branch. Exposures before the unit's own enrollment do not count. #}
SELECT
  enrolled.analysis_id,
  enrolled.branch,
  MIN(event.submission_date) AS exposure_date,
  COUNT(*) AS num_exposure_events
FROM raw_enrollments AS enrolled
JOIN `moz-fx-data-shared-prod.telemetry.events` AS event
  ON event.{{ unit | ident }} = enrolled.analysis_id
  AND mozfun.map.get_key(event.event_map_values, 'branchSlug') = enrolled.branch
  AND event.submission_date >= enrolled.enrollment_date
WHERE event.submission_date BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
  AND event.event_category = 'normandy'
  AND event.event_method IN ('expose', 'exposure')
  AND event.event_string_value = {{ slug | literal }}
GROUP BY enrolled.analysis_id, enrolled.branch
