"""The ways in which one call to BigQuery fails, and how the task that made it is to end."""

from dataclasses import dataclass
from enum import StrEnum

from tests.warehouse.bigquery.fake_server.faults import Call, Fault


class Outcome(StrEnum):
    """How a task ends."""

    RETRIED = "retried in place"
    LATER = "exit 75"
    WRONG = "exit 2"


@dataclass(frozen=True, slots=True)
class Case:
    """A way to fail: what is answered, or with `job_reason` how the job ends; how often, and how the task ends."""

    name: str
    outcome: Outcome
    times: int = 1
    status: int = 0
    reason: str = ""
    message: str = "made to fail"
    reset: bool = False
    executed: bool = False
    job_reason: str = ""

    def at(self, call: Call, *, skip: int = 0) -> Fault:
        """Return the fault that is this case, at the call after `skip` others of its kind."""
        return Fault(
            call,
            skip=skip,
            times=self.times,
            status=self.status,
            reason=self.reason,
            message=self.message,
            reset=self.reset,
            executed=self.executed,
            job_reason=self.job_reason,
        )


ALWAYS = 10_000
CASES = (
    Case("backend error", Outcome.RETRIED, status=503, reason="backendError"),
    Case("internal error twice", Outcome.RETRIED, times=2, status=500, reason="internalError"),
    Case("a proxy's 502", Outcome.RETRIED, status=502),
    Case("rate limit", Outcome.RETRIED, status=403, reason="rateLimitExceeded"),
    Case("too many requests", Outcome.RETRIED, status=429, reason="rateLimitExceeded"),
    Case("too many queries at once", Outcome.RETRIED, status=403, reason="quotaExceeded", message="concurrent queries"),
    Case("table being created", Outcome.RETRIED, status=400, reason="tableUnavailable"),
    Case("connection cut", Outcome.RETRIED, reset=True),
    Case("answer lost", Outcome.RETRIED, reset=True, executed=True),
    Case("backend error for good", Outcome.LATER, times=ALWAYS, status=503, reason="backendError"),
    Case("connection cut for good", Outcome.LATER, times=ALWAYS, reset=True),
    Case("answers lost for good", Outcome.LATER, times=ALWAYS, reset=True, executed=True),
    Case("the day's quota", Outcome.LATER, status=403, reason="quotaExceeded", message="Quota exceeded: per day"),
    Case("permission", Outcome.WRONG, status=403, reason="accessDenied"),
    Case("credentials", Outcome.WRONG, status=401, reason="authError"),
    Case("invalid request", Outcome.WRONG, status=400, reason="invalid"),
)

# How a job ends that was begun: of a query, or of a load.
JOB_CASES = (
    Case("job: backend error", Outcome.RETRIED, job_reason="backendError"),
    Case("job: internal error", Outcome.RETRIED, job_reason="internalError"),
    Case("job: rate limit", Outcome.RETRIED, job_reason="jobRateLimitExceeded"),
    Case("job: table being created", Outcome.RETRIED, job_reason="tableUnavailable"),
    Case("job: the day's quota", Outcome.LATER, job_reason="quotaExceeded", message="Quota exceeded: per day"),
    Case("job: resources exceeded", Outcome.LATER, job_reason="resourcesExceeded"),
    Case("job: timeout", Outcome.LATER, job_reason="timeout"),
    Case("job: stopped by another", Outcome.LATER, job_reason="stopped"),
    Case("job: billing cap", Outcome.WRONG, job_reason="bytesBilledLimitExceeded"),
    Case("job: permission", Outcome.WRONG, job_reason="accessDenied"),
    Case("job: invalid query", Outcome.WRONG, job_reason="invalidQuery", message="Unrecognized name: x at [1:1]"),
    Case("job: schema mismatch", Outcome.WRONG, job_reason="invalid", message="Provided Schema does not match Table"),
    Case("job: not found", Outcome.WRONG, job_reason="notFound", message="Not found: Table p:d.t"),
)
