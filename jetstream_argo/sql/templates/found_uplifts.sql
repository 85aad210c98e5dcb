-- One row per metric and branch: its relative uplift on all enrolled units.
SELECT s.metric, s.branch, s.point, s.lower, s.upper
FROM {{estimates}} AS s
WHERE s.comparison = 'relative_uplift' AND s.segment = 'all' AND s.parameter IS NULL
  AND s.analysis_basis = {{basis}}
  AND s.comparison_to_branch = {{reference}} AND s.lower IS NOT NULL
ORDER BY s.metric, s.branch
