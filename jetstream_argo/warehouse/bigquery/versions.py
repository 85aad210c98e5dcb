"""Keeps the versions of tables' dates that are known already, and asks for the others."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from jetstream_argo.warehouse.bigquery.metadata import Days, Metadata
from jetstream_argo.warehouse.types import TableVersions

_KEPT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Kept:
    days: Days
    versions: TableVersions
    since: float


@dataclass(slots=True)
class KeptVersions:
    """Keeps what metadata said for some minutes, for the other experiments that read the same tables.

    A version that is older than the read that it is recorded with costs at most another read.
    """

    metadata: Metadata
    clock: Callable[[], float] = time.monotonic
    _kept: dict[str, _Kept] = field(default_factory=dict)

    def of(self, names: Sequence[str], first: date, last: date) -> dict[str, TableVersions]:
        """Return the versions of the dates of every table, by the names that were asked for."""
        days = Days(first, last)
        full = {name: self.metadata.tables.full(name) for name in names}
        asked = [name for name in dict.fromkeys(full.values()) if not self._is_fresh(name, days)]
        for name, found in self.metadata.versions(asked, days).items():
            self._kept[name] = _Kept(days, found, self.clock())
        return {name: _within(days, name, self._kept[found].versions) for name, found in full.items()}

    def forget(self, name: str) -> None:
        """Have a table be asked about again: it was written to."""
        self._kept.pop(self.metadata.tables.full(name), None)

    def _is_fresh(self, name: str, days: Days) -> bool:
        kept = self._kept.get(name)
        return kept is not None and kept.days.include(days) and self.clock() - kept.since < _KEPT_SECONDS


def _within(days: Days, name: str, found: TableVersions) -> TableVersions:
    dates = {day: version for day, version in found.dates.items() if days.first <= day <= days.last}
    return replace(found, table=name, dates=dates)
