-- One row: the plan.
SELECT p.plan
FROM {{kept}} AS p
