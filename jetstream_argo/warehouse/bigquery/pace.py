"""The passing of time for an engine: tests bring their own."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pace:
    """The time of day, seconds since whenever, how to pass some, and what a thread waits on that can be woken."""

    now: Callable[[], datetime] = _now
    seconds: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    event: Callable[[], threading.Event] = threading.Event
