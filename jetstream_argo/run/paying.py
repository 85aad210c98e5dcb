"""Estimates whether one scan for several experiments reads less than each of them by itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jetstream_argo.errors import EngineError
from jetstream_argo.plan.sharing import SharedReading, SharedScan, Sharer
from jetstream_argo.plan.windows import dates_between
from jetstream_argo.run.lacking import Lacking
from jetstream_argo.sql.shared import shared_query
from jetstream_argo.warehouse.protocol import Engine

_KEYS_BYTES = 48  # of a row's experiment, unit, branch and dates
_COLUMN_BYTES = 8
# Rows of others that a copy reads at most, by date: clustering is said to help partitions that are larger.
# https://cloud.google.com/bigquery/docs/clustered-tables#when_to_use_clustering
_BLOCK_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class SharedEstimate:
    """What a scan for several experiments would read, beside what each of them would by itself.

    `alone` and `together` are in bytes, None where nobody can say. `together` counts that all rows are written and
    copied, as if every enrolled unit had some on every date.
    """

    scan: SharedScan
    alone: int | None
    together: int | None

    @property
    def pays(self) -> bool:
        """Whether less is read by one scan, as far as is known."""
        return self.alone is None or self.together is None or self.together < self.alone


def estimated(scan: SharedScan, lacking: Sequence[Lacking], engine: Engine, *, by_dry_run: bool) -> SharedEstimate:
    """Return what a scan would read: by a dry run for all and for each, else by what storage has of the dates."""
    units = {found.slug: found.units for found in lacking}
    alone, together = 0, 0
    for reading in scan.readings:
        if by_dry_run:
            once = _dry_run(scan, reading, engine)
            by_each = [_dry_run(scan, _for_one(reading, sharer), engine) for sharer in reading.sharers]
        else:
            once = _stored(reading, lacking)
            by_each = [once for _ in reading.sharers]
        if once is None or None in by_each:
            return SharedEstimate(scan, None, None)
        alone += sum(size for size in by_each if size is not None)
        together += once + reading.days * _copied(reading, units)
    return SharedEstimate(scan, alone, together)


def _copied(reading: SharedReading, units: dict[str, int]) -> int:
    """Return how many bytes are written and copied of a date, if every unit has rows."""
    row_bytes = _KEYS_BYTES + _COLUMN_BYTES * len(reading.columns)
    own = [units[sharer.slug] * row_bytes for sharer in reading.sharers]
    written = sum(own)
    return written + sum(min(written, size + _BLOCK_BYTES) for size in own)


def _for_one(reading: SharedReading, sharer: Sharer) -> SharedReading:
    return replace(reading, sharers=(sharer,))


def _stored(reading: SharedReading, lacking: Sequence[Lacking]) -> int:
    """Return how many bytes the source's tables have of the dates, as of the last look."""
    total = 0
    for day in dates_between(reading.first_date, reading.last_date):
        telemetry = next(found.telemetry for found in lacking if day in found.sharers)
        total += sum(table.dates[day].bytes for table in telemetry.versions if day in table.dates)
    return total


def _dry_run(scan: SharedScan, reading: SharedReading, engine: Engine) -> int | None:
    try:
        return engine.dry_run(shared_query(scan, reading, reading.columns, batch=0)).bytes
    except EngineError:
        return None  # the scan finds out which columns are refused
