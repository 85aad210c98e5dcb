"""An experiment of a shop, as its file says it."""

AS_OF = "2026-05-12"  # a week is over, the experiment is not
WITHOUT_METRICS = """
[experiment]
slug = "checkout"
app_name = "shop"
branches = ["old", "new"]
reference_branch = "old"
start_date = "2026-05-04"
enrollment_period = 2
end_date = "2026-05-20"
enrollment_query = '''
SELECT client_id AS analysis_id, branch, MIN(submission_date) AS enrollment_date, COUNT(*) AS num_enrollment_events
FROM shop.assignments
WHERE experiment = '{{ experiment.slug }}'
GROUP BY client_id, branch
'''

[data_sources.orders]
from_expression = "shop.orders"
experiments_column_type = "none"

"""
EXPERIMENT = f"""{WITHOUT_METRICS}[metrics]
weekly = ["revenue", "orders"]

[metrics.revenue]
data_source = "orders"
select_expression = "COALESCE(SUM(amount), 0)"
[metrics.revenue.statistics.linear_model_mean]

[metrics.orders]
data_source = "orders"
select_expression = "COUNT(order_id)"
[metrics.orders.statistics.count]
"""
