{# One row per unit: the earliest of three signs that it is enrolled. The background updater does not always send an
   enrollment event, and its pings and a clicked notification name the experiment too. Its units are those of the
   browser that it updates. #}
WITH signs AS (
  SELECT
    JSON_VALUE(event.metrics, '$.uuid.background_update_client_id') AS analysis_id,
    JSON_VALUE(event.event_extra, '$.branch') AS branch,
    MIN(DATE(event.submission_timestamp)) AS enrollment_date,
    COUNT(*) AS num_enrollment_events
  FROM `moz-fx-data-shared-prod.firefox_desktop_background_update.events_stream` AS event
  WHERE DATE(event.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
    AND event.event_category = 'nimbus_events'
    AND event.event_name = 'enrollment'
    AND JSON_VALUE(event.event_extra, '$.experiment') = {{ slug | literal }}
    AND event.sample_id < {{ sample_size }}
  GROUP BY analysis_id, branch
  UNION ALL
  SELECT
    ping.metrics.uuid.background_update_client_id AS analysis_id,
    experiment.value.branch AS branch,
    MIN(DATE(ping.submission_timestamp)) AS enrollment_date,
    1 AS num_enrollment_events
  FROM `mozdata.firefox_desktop_background_update.background_update` AS ping
  CROSS JOIN UNNEST(ping.ping_info.experiments) AS experiment
  WHERE DATE(ping.submission_timestamp) BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
    AND experiment.key = {{ slug | literal }}
    AND ping.sample_id < {{ sample_size }}
  GROUP BY analysis_id, branch
  UNION ALL
  SELECT
    event.client_id AS analysis_id,
    SPLIT(mozfun.map.get_key(event.event_map_values, 'name'), ':')[SAFE_OFFSET(1)] AS branch,
    MIN(event.submission_date) AS enrollment_date,
    COUNT(*) AS num_enrollment_events
  FROM `mozdata.telemetry.events` AS event
  WHERE event.submission_date BETWEEN {{ first_date | literal }} AND {{ last_date | literal }}
    AND event.event_category = 'browser.launched_to_handle'
    AND event.event_method = 'system_notification'
    AND event.event_object = 'toast'
    AND STARTS_WITH(mozfun.map.get_key(event.event_map_values, 'name'), {{ (slug ~ ':') | literal }})
    AND event.sample_id < {{ sample_size }}
  GROUP BY analysis_id, branch
)
SELECT
  signs.analysis_id,
  signs.branch,
  signs.enrollment_date,
  signs.num_enrollment_events
FROM signs
WHERE signs.analysis_id IS NOT NULL
QUALIFY ROW_NUMBER() OVER (PARTITION BY signs.analysis_id ORDER BY signs.enrollment_date, signs.branch) = 1
