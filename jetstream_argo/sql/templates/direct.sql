-- One row per analysis unit, branch and window: metrics computed from all rows of the window at once.
WITH {{grid}}
SELECT
  {{columns}}
FROM grid AS e
LEFT JOIN {{source}} AS ds
  ON {{unit}} = e.analysis_id
  AND {{dates}}
  AND {{date}} BETWEEN DATE_ADD(e.anchor, INTERVAL e.analysis_window_start DAY)
    AND DATE_ADD(e.anchor, INTERVAL e.analysis_window_end DAY)
  AND ({{counts}})
GROUP BY {{keys}}
