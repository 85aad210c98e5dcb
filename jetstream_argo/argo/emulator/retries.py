"""When a pod is tried again, by the manifest's own rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.argo.emulator.expression import evaluate
from jetstream_argo.argo.emulator.functions import is_truth
from jetstream_argo.argo.emulator.graph import Phase
from jetstream_argo.argo.emulator.manifest import RetryStrategy
from jetstream_argo.argo.emulator.substitution import scope
from jetstream_argo.errors import PlanError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One process of a pod: how it ended, and how much memory a cluster would have allowed it."""

    exit_code: int
    seconds: float
    message: str
    memory: str = ""

    @property
    def phase(self) -> Phase:
        """What the attempt came to."""
        return Phase.FAILED if self.exit_code else Phase.SUCCEEDED


def last_retry(attempts: Sequence[Attempt]) -> Mapping[str, str]:
    """Return what a manifest may ask about the attempt before; texts all, and neutral before the first."""
    if not attempts:
        return {"lastRetry.exitCode": "0", "lastRetry.status": "", "lastRetry.duration": "0", "lastRetry.message": ""}
    last = attempts[-1]
    return {
        "lastRetry.exitCode": str(last.exit_code),
        "lastRetry.status": str(last.phase),
        "lastRetry.duration": str(round(last.seconds)),
        "lastRetry.message": last.message,
    }


def tries_again(strategy: RetryStrategy | None, attempts: Sequence[Attempt]) -> bool:
    """Return whether another attempt follows these."""
    if strategy is None or attempts[-1].phase is Phase.SUCCEEDED or len(attempts) > strategy.limit:
        return False
    return is_truth(evaluate(strategy.expression, scope(last_retry(attempts))))


def wait_seconds(strategy: RetryStrategy, attempts: int) -> float:
    """Return how long to wait after so many attempts."""
    backoff = strategy.backoff
    return min(_seconds(backoff.duration) * float(backoff.factor) ** (attempts - 1), _seconds(backoff.cap))


def _seconds(text: str) -> float:
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise PlanError(f"{text!r} is no duration such as 30s or 1h30m")
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)
