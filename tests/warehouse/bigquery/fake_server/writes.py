"""How often tables of the fake are written to, and which write is too many."""

from collections.abc import Mapping
from datetime import timedelta

from tests.warehouse.bigquery.fake_server.clock import Clock
from tests.warehouse.bigquery.fake_server.rules import IN, WRITES, WRITES_BY_PARTITION
from tests.warehouse.bigquery.fake_server.wire import ApiError

# Of the service; no job that writes and no call takes less, whoever else is at work.
SECONDS_OF_A_JOB, SECONDS_OF_A_CALL = timedelta(seconds=1), timedelta(seconds=0.1)


class Writes:
    """Counts writes to tables, and changes of them, in the time that the clock's `spent` tells.

    A client that is refused asks again after pauses that grow, so the time passes that there must be between the write
    and the next. `refused` counts how often that was.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._recent: dict[str, list[timedelta]] = {}
        self.refused = 0

    def count(self, table: str, storage: Mapping[str, object]) -> None:
        """Count a write to a table that is stored so.

        Raises:
            ApiError: there were too many in the last ten seconds.
        """
        now = self._clock.spent
        recent = [moment for moment in self._recent.get(table, []) if moment > now - IN]
        most = WRITES_BY_PARTITION if storage.get("timePartitioning") or storage.get("rangePartitioning") else WRITES
        if len(recent) >= most:
            self.refused += 1
            self._clock.spend(recent[-most] + IN - now)
            message = "Exceeded rate limits: too many table update operations for this table."
            raise ApiError(403, "rateLimitExceeded", message)
        self._recent[table] = [*recent, now]
