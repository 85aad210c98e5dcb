"""What a run would read is foreseen through BigQuery's client, too, by its dry runs; and experiments are listed."""

from tests.report.test_experiments import test_experiments_are_listed_by_when_they_were_worked_at_last
from tests.run.test_forecast import (
    test_a_date_with_more_rows_has_changed,
    test_before_the_first_run_everything_is_new,
    test_what_is_foreseen_is_what_is_read,
)
from tests.warehouse.bigquery.test_bigquery_late import fake, pipeline

__all__ = [
    "fake",
    "pipeline",
    "test_a_date_with_more_rows_has_changed",
    "test_before_the_first_run_everything_is_new",
    "test_experiments_are_listed_by_when_they_were_worked_at_last",
    "test_what_is_foreseen_is_what_is_read",
]
