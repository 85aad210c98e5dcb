-- One row per table, batch and date or window: all rows, and those of some units.
SELECT r.number, r.batch, r.place, COUNT(*) AS n, COUNTIF(g.analysis_id IS NOT NULL) AS of_units
FROM (
{{rows}}
) AS r
LEFT JOIN {{gone}} AS g
  ON g.analysis_id = r.analysis_id
GROUP BY r.number, r.batch, r.place
ORDER BY r.number, r.batch, r.place
