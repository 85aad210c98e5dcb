"""What a run would read is foreseen through BigQuery's client, too, with the bytes that its dry runs say."""

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
    "test_what_is_foreseen_is_what_is_read",
]
