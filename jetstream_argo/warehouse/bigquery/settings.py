"""The settings of BigQuery: where, how long, and for how many bytes."""

from dataclasses import dataclass
from enum import StrEnum


class Priority(StrEnum):
    """How BigQuery schedules queries: at once, or when there is room."""

    INTERACTIVE = "INTERACTIVE"
    BATCH = "BATCH"


@dataclass(frozen=True, slots=True)
class BigQuerySettings:
    """What one process asks of BigQuery.

    `timeout_seconds` bounds one job, from submission to its end; `retry_seconds` bounds how long one call, or one job
    that failed for a passing reason, is tried again in place before `Transient` is raised; `request_seconds` bounds
    one HTTP request; `cancel_seconds` bounds what is spent on cancelling a job. `maximum_bytes_billed` of None sets no
    cap of our own. An `api_endpoint` that starts with `http://` is called without credentials.

    `reservation` is the one whose slots queries take, instead of the one that the project is assigned to; `kms_key` is
    the key of ours (CMEK) under which tables and answers are encrypted. Both name a place, which is `location`.

    `default_dataset` (`dataset` or `project.dataset`) is that of tables which a query names alone. With
    `expire_days`, a table is deleted by BigQuery so many days after it was last written to, give or take one.
    """

    project: str
    location: str = "US"
    default_dataset: str = ""
    expire_days: float | None = None
    priority: Priority = Priority.INTERACTIVE
    timeout_seconds: float = 6 * 3600.0  # BigQuery's own limit for a query
    maximum_bytes_billed: int | None = None
    reservation: str = ""
    kms_key: str = ""
    retry_seconds: float = 300.0
    first_delay_seconds: float = 1.0
    longest_delay_seconds: float = 30.0
    longest_poll_seconds: float = 5.0
    request_seconds: float = 60.0
    cancel_seconds: float = 4.0
    api_endpoint: str | None = None
