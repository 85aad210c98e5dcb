"""Runs a job once: submitted under a name of ours, awaited, tried again or cancelled."""

import logging
import re
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from itertools import count
from typing import TypeAlias, cast

from google.api_core.exceptions import Conflict as AlreadyExists
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.api_core.retry import Retry
from google.cloud.bigquery import Client, LoadJob, QueryJob

from jetstream_argo.errors import TooBig, Transient
from jetstream_argo.warehouse.bigquery.calls import (
    FOREIGN,
    JobError,
    failure_of,
    is_about_credentials,
    retry,
    translated,
    worth_trying_now,
)
from jetstream_argo.warehouse.bigquery.errors import Failure
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings

logger = logging.getLogger(__name__)

AnyJob: TypeAlias = QueryJob | LoadJob

_LONGEST_PREFIX = 700
_LONGEST_ATTEMPT = 200  # a job id has at most 1,024 characters: letters, digits, '_' and '-'
_FIRST_POLL_SECONDS = 0.25
_POLLS_A_LINE = 8  # of the log: one in 40 s, once there are 5 s between polls
_GRACE_SECONDS = 30.0  # BigQuery stops a job at its timeout; this is for it to say so


class JobNames:
    """Names for jobs: the same requests in the same order have the same names.

    A request that was sent twice, because the first answer was lost, is thus one job. `attempt` is in every name: a
    process that starts anew must not be given the results of the one before.
    """

    def __init__(self, prefix: str, attempt: str) -> None:
        parts = (prefix[:_LONGEST_PREFIX], attempt[:_LONGEST_ATTEMPT])
        self._prefix, attempt = (re.sub(r"[^A-Za-z0-9_-]", "-", part) for part in parts)
        self._start = "-".join(part for part in (self._prefix, attempt) if part)
        self._seen: Counter[str] = Counter()

    def next(self, *request: str) -> str:
        """Return the name of the next job that makes this request."""
        digest = sha256("\0".join(request).encode()).hexdigest()[:16]
        self._seen[digest] += 1
        return f"{self._start}-{digest}-{self._seen[digest]}".lstrip("-")

    def is_of_another_start(self, job_id: str) -> bool:
        """Return whether the job is one of the same prefix, and of another attempt; attempts have no `-` in them."""
        pattern = rf"{re.escape(self._prefix)}-[^-]+-[0-9a-f]{{16}}-\d+(-r\d+)?"
        of_ours = re.fullmatch(pattern, job_id) is not None
        return bool(self._prefix) and of_ours and not job_id.startswith(f"{self._start}-")


class Jobs:
    """Runs jobs, one at a time."""

    def __init__(self, client: Client, settings: BigQuerySettings) -> None:
        self._client = client
        self._settings = settings
        self._patience = retry(settings)
        self._current = ""
        self._location = settings.location

    def run(self, name: str, begin: Callable[[str], AnyJob], *, sql: str = "", location: str = "") -> AnyJob:
        """Return the job that `begin`, which submits it under the id it is given, has started, when it has succeeded.

        A job that fails for a passing reason is followed by another of the same name with a number. Whatever ends the
        waiting early, a signal included, also ends the job. It runs in `location`, or where the settings say.

        Raises:
            EngineError: the job failed, or its end could not be seen in time.
        """
        self._location = location or self._settings.location
        names = (name if again == 0 else f"{name}-r{again}" for again in count())
        with translated(job_id=name, sql=sql):
            patience = retry(self._settings, when=lambda error: isinstance(error, JobError) and worth_trying_now(error))
            finished: AnyJob = patience(lambda: self._once(next(names), begin))()
        return finished

    def cancel(self) -> None:
        """Cancel the job that is running, if one is; for another thread."""
        if self._current:
            self._cancel(self._current)

    def cancel_all(self, chosen: Callable[[str], bool]) -> None:
        """Cancel the account's jobs that are waiting or running and whose ids are chosen."""
        self._location = self._settings.location
        for state in ("running", "pending"):
            try:
                listed = self._client.list_jobs(
                    state_filter=state, retry=self._patience, timeout=self._settings.request_seconds
                )
                found = [job.job_id for job in listed if chosen(job.job_id)]
            except FOREIGN as error:  # to list jobs takes more rights than to run them
                logger.warning("not listed", extra={"state": state, "reason": failure_of(error).message})
                return
            for job_id in found:
                logger.warning("cancelled an earlier start's job", extra={"job": job_id})
                self._cancel(job_id)

    def _once(self, job_id: str, begin: Callable[[str], AnyJob]) -> AnyJob:
        self._current = job_id
        try:
            logger.info("began", extra={"job": job_id})
            job = self._wait(self._submit(job_id, begin))
        except _RefusedError as refused:
            raise refused.error from refused
        except BaseException as ended:  # a signal's too: a killed pod must leave no query running
            if not is_about_credentials(ended):  # without a token nothing can be asked for, and the job is well
                self._cancel(job_id)
            raise
        finally:
            self._current = ""
        logger.info("ended", extra=progress(job))
        error = job.error_result
        if error:
            failure = Failure(str(error.get("reason", "")), 0, str(error.get("message", "")))
            raise JobError(job_id, failure)
        return job

    def _submit(self, job_id: str, begin: Callable[[str], AnyJob]) -> AnyJob:
        try:
            submitted: AnyJob = self._patience(begin)(job_id)
        except AlreadyExists as error:
            if "already exists: job" not in failure_of(error).message.lower():
                raise _RefusedError(error) from error
            return self._get(job_id)
        except GoogleAPICallError as error:
            raise _RefusedError(error) from error
        return submitted

    def _wait(self, job: AnyJob) -> AnyJob:
        timeout = self._settings.timeout_seconds
        deadline = timeout + min(timeout, _GRACE_SECONDS)
        polling = Retry(
            predicate=lambda error: isinstance(error, _StillRunningError),
            initial=_FIRST_POLL_SECONDS,
            maximum=self._settings.longest_poll_seconds,
            multiplier=1.5,
            timeout=deadline,
        )
        state = job.state
        polls = count(1)

        def poll() -> AnyJob:
            nonlocal state
            seen = job if state == "DONE" else self._get(job.job_id)
            state = seen.state
            if state != "DONE":
                if next(polls) % _POLLS_A_LINE == 0:
                    logger.info("running", extra=progress(seen))
                raise _StillRunningError
            return seen

        try:
            finished: AnyJob = polling(poll)()
        except RetryError as error:
            if not isinstance(error.cause, _StillRunningError):
                raise
            if state == "PENDING":
                raise Transient(
                    f"job {job.job_id}: waited {deadline:.0f} s for BigQuery to begin; try again"
                ) from error
            raise TooBig(f"job {job.job_id}: not done after {deadline:.0f} s; ask for less at once") from error
        return finished

    def _get(self, job_id: str) -> AnyJob:
        settings = self._settings
        job = self._client.get_job(
            job_id, location=self._location, retry=self._patience, timeout=settings.request_seconds
        )
        return cast(AnyJob, job)  # its id is that of a query or a load of ours

    def _cancel(self, job_id: str) -> None:
        # A submission that was interrupted may arrive after this, so a job that is not found is asked for again.
        seconds = self._settings.cancel_seconds / 2
        impatience = Retry(predicate=worth_trying_now, initial=0.1, maximum=0.4, timeout=seconds)
        try:
            self._client.cancel_job(
                job_id,
                location=self._location,
                retry=impatience,
                timeout=seconds,
            )
        except FOREIGN as error:
            logger.warning("not cancelled", extra={"job": job_id, "reason": failure_of(error).message})


def progress(job: AnyJob) -> dict[str, object]:
    """Return how far a job is and what it has cost so far, as far as BigQuery says."""
    facts: dict[str, object] = {"job": job.job_id, "state": str(job.state).lower()}
    if job.started and job.ended:
        facts["seconds"] = (job.ended - job.started).total_seconds()
    if isinstance(job, QueryJob):
        facts |= {"bytes": int(job.total_bytes_processed or 0), "slot_ms": int(job.slot_millis or 0)}
        for latest in job.timeline[-1:]:
            done, waiting = int(latest.completed_units or 0), int(latest.pending_units or 0)
            facts["units"] = f"{done} of {done + waiting + int(latest.active_units or 0)}"
    if job.error_result:
        facts["error"] = job.error_result.get("reason", "")
    return facts


class _StillRunningError(Exception):
    """The job has not ended."""


class _RefusedError(Exception):
    """The job was not begun, so there is nothing to cancel."""

    def __init__(self, error: GoogleAPICallError) -> None:
        self.error = error
        super().__init__(str(error))
