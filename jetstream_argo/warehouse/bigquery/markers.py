"""The tables by which leases are held: each says who holds one, and goes by itself when nobody renews it."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Event, Thread
from uuid import uuid4

from google.cloud.bigquery import SchemaField, Table

from jetstream_argo.errors import Conflict, EngineError
from jetstream_argo.warehouse.bigquery.pace import Pace
from jetstream_argo.warehouse.bigquery.tables import Tables

logger = logging.getLogger(__name__)

# A holder that died holds its lease so long; clocks may differ by some minutes.
LASTS = timedelta(minutes=5)
RENEWED_EVERY_SECONDS = 60.0

_STOPS_WITHIN_SECONDS = 4.0
_LONGEST_HOLDER = 60


def shared_prefix(lease: str) -> str:
    """Return what the names of all markers begin with that hold a lease shared."""
    return f"{lease}_shared_"


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of ours: `token` tells it from another holder's of the same name."""

    tables: Tables
    pace: Pace
    name: str
    holder: str
    token: str

    def place(self) -> bool:
        """Make the table; return False if another holder's is there."""
        wanted = Table(self.tables.reference(self.name), schema=[SchemaField("holder", "STRING")])
        wanted.description = self.holder
        wanted.labels = {"purpose": "lease", "token": self.token}
        wanted.expires = self.pace.now() + LASTS
        try:
            self.tables.create(wanted)
        except Conflict:
            return self._found() is not None  # ours, if the answer to a first request was lost
        return True

    def renew(self) -> None:
        """Have the table last longer.

        Raises:
            Conflict: it is gone.
        """
        found = self._found()
        if found is None:
            raise Conflict(f"the lease {self.name} of {self.holder} was not renewed in time, and is lost")
        self.tables.expire(found, self.pace.now() + LASTS)

    def remove(self) -> None:
        """Delete the table, if it is there; if that fails, it goes by itself."""
        try:
            if self._found() is not None:
                self.tables.delete(self.name)
        except EngineError as error:
            logger.warning("lease not given back", extra={"lease": self.name, "reason": str(error)})

    def _found(self) -> Table | None:
        found = self.tables.find(self.name)
        return found if found is not None and found.labels.get("token") == self.token else None


def marker(tables: Tables, pace: Pace, lease: str, holder: str, *, exclusive: bool) -> Marker:
    """Return a marker to be placed. All that hold a lease alone have one name; a person can read who shares it."""
    token = uuid4().hex
    readable = re.sub(r"\W", "_", holder, flags=re.ASCII)[:_LONGEST_HOLDER]
    name = f"{lease}_exclusive" if exclusive else f"{shared_prefix(lease)}{readable}_{token[:12]}"
    return Marker(tables, pace, name, holder, token)


def described(table: Table) -> str:
    """Return who holds a lease by this table, and since when."""
    since = f" since {table.created:%Y-%m-%d %H:%M:%S} UTC" if table.created else ""
    return f"{table.description or 'somebody'}{since}"


@dataclass(slots=True)
class Renewal:
    """Renews a marker from another thread, until it is stopped, or the marker is lost."""

    marker: Marker
    when_lost: Callable[[], None]
    is_lost: bool = False
    _stop: Event = field(init=False)
    _thread: Thread = field(init=False)

    def __post_init__(self) -> None:
        self._stop = self.marker.pace.event()
        self._thread = Thread(target=self._renew, daemon=True, name=f"lease {self.marker.name}")

    def start(self) -> None:
        """Renew the marker from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Renew it no more."""
        self._stop.set()
        self._thread.join(_STOPS_WITHIN_SECONDS)  # a request that is on its way changes nothing any more

    def _renew(self) -> None:
        pace = self.marker.pace
        last = pace.now()
        while not self._stop.wait(RENEWED_EVERY_SECONDS):
            try:
                self.marker.renew()
                last = pace.now()
            except EngineError as error:
                logger.warning("lease not renewed", extra={"lease": self.marker.name, "reason": str(error)})
                if self._stop.is_set():
                    return
                if isinstance(error, Conflict) or pace.now() - last >= LASTS:
                    self.is_lost = True
                    self.when_lost()
                    return
