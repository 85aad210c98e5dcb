"""What time it is in the fake."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """This machine's time, or later: tests move it on and wait for nothing."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        """Return the time of the fake."""
        return datetime.fromtimestamp(time.time(), UTC) + self._ahead

    def seconds(self) -> float:
        """Return the time of the fake, in seconds since 1970."""
        return self.now().timestamp()

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._ahead += by


def millis(moment: datetime) -> str:
    """Return a time as the service writes it."""
    return str(int(moment.timestamp() * 1000))
