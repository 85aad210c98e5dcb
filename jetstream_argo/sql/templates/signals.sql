-- One row per analysis unit, branch and date with signals.
SELECT {{batch}} AS batch, e.analysis_id, e.branch, {{date}} AS submission_date, {{count}}
FROM {{units}} AS e
INNER JOIN {{source}} AS ds
  ON {{unit}} = e.analysis_id
  AND {{dates}}
WHERE e.assignment IN ({{assignments}})
GROUP BY e.analysis_id, e.branch, {{date}}
