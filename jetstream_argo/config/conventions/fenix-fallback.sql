{# One row per unit and branch that no enrollment event tells of: the first date on which a ping carries the
   experiment. A week before the first enrollment date is read too, to leave out units that had enrolled by then. #}
SELECT
  ping.client_info.client_id AS analysis_id,
  mozfun.map.get_key(ping.ping_info.experiments, {{ slug | literal }}).branch AS branch,
  MIN(DATE(ping.submission_timestamp)) AS enrollment_date,
  COUNT(*) AS num_enrollment_events
FROM `moz-fx-data-shared-prod.{{ dataset }}.baseline` AS ping
WHERE DATE(ping.submission_timestamp)
    BETWEEN DATE_SUB({{ first_date | literal }}, INTERVAL 7 DAY) AND {{ last_date | literal }}
  AND mozfun.map.get_key(ping.ping_info.experiments, {{ slug | literal }}).branch IS NOT NULL
  AND ping.sample_id < {{ sample_size }}
  AND ping.client_info.client_id IS NOT NULL
GROUP BY analysis_id, branch
HAVING MIN(DATE(ping.submission_timestamp)) >= {{ first_date | literal }}
