"""What time it is in the fake."""

import time
from datetime import UTC, datetime, timedelta


class Clock:
    """This machine's time, or later: tests move it on and wait for nothing.

    `spent` is a time of its own, which no machine's speed changes: what tests have let pass, and what the service takes
    at least for what it was asked to do, unless it `stands_still`.
    """

    def __init__(self) -> None:
        self._ahead = timedelta()
        self.spent = timedelta()
        self.stands_still = False

    def now(self) -> datetime:
        """Return the time of the fake."""
        return datetime.fromtimestamp(time.time(), UTC) + self._ahead

    def seconds(self) -> float:
        """Return the time of the fake, in seconds since 1970."""
        return self.now().timestamp()

    def advance(self, by: timedelta) -> None:
        """Let time pass."""
        self._ahead += by
        self.spent += by

    def spend(self, time: timedelta) -> None:
        """Have something taken so long."""
        if not self.stands_still:
            self.spent += time


def millis(moment: datetime) -> str:
    """Return a time as the service writes it."""
    return str(int(moment.timestamp() * 1000))
