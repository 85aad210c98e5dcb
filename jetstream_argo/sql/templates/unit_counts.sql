-- One row per branch: its units, those exposed, those in other branches too, those that each exclusion takes, and those that count.
SELECT
  {{columns}}
FROM (
  SELECT
    j.*,
    ROW_NUMBER() OVER (PARTITION BY j.analysis_id ORDER BY j.branch) AS row_of_unit
  FROM {{judged}} AS j
) AS c
GROUP BY c.branch
ORDER BY c.branch
