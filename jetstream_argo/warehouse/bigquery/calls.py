"""Tries a call to BigQuery again where that may help, and turns its failure into one of our errors."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import requests.exceptions
from google.api_core.exceptions import GoogleAPICallError, GoogleAPIError, RetryError
from google.api_core.retry import Retry
from google.auth.exceptions import GoogleAuthError

from jetstream_argo.storage.tokens import are_missing, may_pass
from jetstream_argo.warehouse.bigquery.errors import CONNECTION, NO_CREDENTIALS, Again, Failure, rule_for
from jetstream_argo.warehouse.bigquery.explain import engine_error
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings

Returned = TypeVar("Returned")

FOREIGN = (GoogleAPIError, requests.exceptions.RequestException, GoogleAuthError, ConnectionError, TimeoutError)


class JobError(Exception):
    """A job that ended with an error; `job_id` is the one that failed last."""

    def __init__(self, job_id: str, failure: Failure) -> None:
        self.job_id = job_id
        self.failure = failure
        super().__init__(failure.message)


def failure_of(error: BaseException) -> Failure:
    """Return what `error`, an exception of the libraries below us, says."""
    match error:
        case JobError():
            return error.failure
        case RetryError() if error.cause is not None:
            return failure_of(error.cause)
        case GoogleAPICallError():
            details = error.errors[0] if error.errors and isinstance(error.errors[0], dict) else {}
            return Failure(str(details.get("reason", "")), int(error.code or 0), str(error.message or ""))
        case GoogleAuthError():
            reason = CONNECTION if may_pass(error) else NO_CREDENTIALS if are_missing(error) else "authError"
            return Failure(reason, 0, str(error))
        case requests.exceptions.SSLError():
            return Failure("", 0, str(error))  # a wrong certificate stays wrong
        case _:
            return Failure(CONNECTION, 0, f"{type(error).__name__}: {error}")


def is_about_credentials(error: BaseException) -> bool:
    """Return whether `error` says that no token could be had: the request was not sent."""
    cause = error.cause if isinstance(error, RetryError) and error.cause is not None else error
    return isinstance(cause, GoogleAuthError)


def worth_trying_now(error: BaseException) -> bool:
    """Return whether the call that raised `error` is to be made again at once."""
    return isinstance(error, (*FOREIGN, JobError)) and rule_for(failure_of(error)).again is Again.NOW


def retry(settings: BigQuerySettings, *, when: Callable[[BaseException], bool] = worth_trying_now) -> Retry:
    """Return how to try again: after delays that double, each of a random length up to its bound, until a deadline."""
    return Retry(
        predicate=when,
        initial=settings.first_delay_seconds,
        maximum=settings.longest_delay_seconds,
        multiplier=2.0,
        timeout=settings.retry_seconds,
    )


@contextmanager
def translated(*, job_id: str = "", sql: str = "") -> Iterator[None]:
    """Turn what the libraries below us raise into an `EngineError`."""
    try:
        yield
    except (*FOREIGN, JobError) as error:
        ended = error.cause if isinstance(error, RetryError) else error
        name = ended.job_id if isinstance(ended, JobError) else job_id
        after = "still so when the time for trying again was over" if isinstance(error, RetryError) else ""
        raise engine_error(failure_of(error), job_id=name, sql=sql, after=after) from error
