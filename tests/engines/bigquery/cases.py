"""The ways in which one call to BigQuery fails, and how the task that made it is to end."""

from dataclasses import dataclass
from enum import StrEnum

from tests.engines.bigquery.fake_server.faults import Call, Fault


class Outcome(StrEnum):
    """How a task ends."""

    RETRIED = "retried in place"
    LATER = "exit 75"
    WRONG = "exit 2"


@dataclass(frozen=True, slots=True)
class Case:
    """A way to fail: what is answered, how often, and how the task ends."""

    name: str
    outcome: Outcome
    times: int = 1
    status: int = 0
    reason: str = ""
    message: str = "made to fail"
    reset: bool = False
    executed: bool = False

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
