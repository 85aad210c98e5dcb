"""Keeps writers of one experiment out of one another's way, by tables that expire unless they are renewed.

Whoever wants a lease places a marker of its own first, and then looks for those of others: of two that come at the same
time at least one sees the other. Only the service removes a marker that has expired. If waiters did, one could remove
what another has just placed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from google.cloud.bigquery import Table

from jetstream_argo.errors import Conflict
from jetstream_argo.warehouse.bigquery.jobs import Jobs
from jetstream_argo.warehouse.bigquery.markers import LASTS, Marker, Renewal, described, marker, shared_prefix
from jetstream_argo.warehouse.bigquery.pace import Pace
from jetstream_argo.warehouse.bigquery.tables import Tables
from jetstream_argo.warehouse.types import Purged

_LOOKS_EVERY_SECONDS = 5.0
_SETTLES_SECONDS = 1.0  # whether a list of tables shows at once what was made before it was asked for is not documented
_NAMED = 3

# https://cloud.google.com/bigquery/docs/time-travel
_TIME_TRAVEL_HOURS = 168
_FAIL_SAFE = timedelta(days=7)


@dataclass(slots=True)
class TableLeases:
    """Holds leases. One that is lost stops the running job, and whatever would be written after it."""

    tables: Tables
    jobs: Jobs
    pace: Pace
    _lost: list[str] = field(default_factory=list)

    @contextmanager
    def held(self, lease: str, *, exclusive: bool, holder: str, wait_seconds: float) -> Iterator[None]:
        """Hold a lease: many may hold it shared, or one alone.

        Raises:
            Conflict: others held it for `wait_seconds`, or it was lost meanwhile.
        """
        patience = _Patience(self.pace, self.pace.seconds() + wait_seconds)
        own = marker(self.tables, self.pace, lease, holder, exclusive=exclusive)
        if exclusive:
            self._place_alone(lease, own, patience)
        else:
            self._place_beside(lease, own, patience)
        renewal = Renewal(own, lambda: self._lose(own))
        renewal.start()
        try:
            if exclusive:
                self._wait_for_others(lease, patience)
            yield
            self.check()
        finally:
            renewal.stop()
            own.remove()
            self._lost = [name for name in self._lost if name != own.name]

    def check(self) -> None:
        """Raise an error if a lease that is still needed was lost.

        Raises:
            Conflict: it was.
        """
        if self._lost:
            raise Conflict(f"the lease {self._lost[0]} was lost, since it could not be renewed in time; run this again")

    def purge(self, tables: Sequence[str]) -> Purged:
        """Return until when BigQuery keeps what these tables had: by time travel, and by what its support can do."""
        hours = []
        for name in tables:
            dataset = self.tables.settings_of_dataset(name)
            asked = None if dataset is None else dataset.max_time_travel_hours
            hours.append(_TIME_TRAVEL_HOURS if asked is None else int(asked))
        if not hours:
            return Purged(0)
        return Purged(0, self.pace.now() + timedelta(hours=max(hours)) + _FAIL_SAFE)

    def _place_alone(self, lease: str, own: Marker, patience: "_Patience") -> None:
        while not own.place():
            found = self.tables.find(own.name)
            if found is not None:
                patience.wait(lease, [found])

    def _place_beside(self, lease: str, own: Marker, patience: "_Patience") -> None:
        alone = marker(self.tables, self.pace, lease, "", exclusive=True).name
        while True:
            found = self.tables.find(alone)
            if found is None:
                own.place()
                found = self.tables.find(alone)
                if found is None:
                    return
                own.remove()
            patience.wait(lease, [found])

    def _wait_for_others(self, lease: str, patience: "_Patience") -> None:
        quiet = False
        while True:
            self.check()
            others = self._sharing(lease)
            if others:
                quiet = False
                patience.wait(lease, others)
            elif quiet:
                return
            else:
                quiet = True
                self.pace.sleep(_SETTLES_SECONDS)

    def _sharing(self, lease: str) -> list[Table]:
        dataset, prefix = shared_prefix(lease).rsplit(".", 1)
        listed = [table.name for table in self.tables.list(dataset, prefix=prefix)]
        return [table for table in self.tables.find_all(listed) if table is not None]

    def _lose(self, own: Marker) -> None:
        self._lost.append(own.name)
        self.jobs.cancel()


@dataclass(frozen=True, slots=True)
class _Patience:
    pace: Pace
    deadline: float

    def wait(self, lease: str, holding: Sequence[Table]) -> None:
        """Let some time pass, or say who holds the lease if there is none left."""
        left = self.deadline - self.pace.seconds()
        if left > 0:
            self.pace.sleep(min(left, _LOOKS_EVERY_SECONDS))
            return
        names = ", ".join(described(table) for table in holding[:_NAMED])
        more = f" and {len(holding) - _NAMED} more" if len(holding) > _NAMED else ""
        minutes = int(LASTS.total_seconds() / 60)
        raise Conflict(
            f"lease {lease}: held by {names}{more}; try again when they are done. "
            f"Whoever died holds nothing after {minutes} minutes"
        )
