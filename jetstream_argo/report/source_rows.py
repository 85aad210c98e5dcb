"""Finds dates of telemetry that have unusually many or few rows for their weekday."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import median

from jetstream_argo.config.model import SETTLE_DAYS
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.terminal.plural import counted

# A date jumps if it has more than this many times the rows that its weekday usually has, or less than the inverse.
FACTOR = 2.0
# It takes so many other dates of the same weekday to know what is usual, and nearer ones only, since sources grow.
FEWEST_ALIKE = 2
NEAR_DAYS = 28
# So many standard deviations of a count (Poisson's) it must be off as well: few rows vary by chance.
_STANDARD_DEVIATIONS = 6.0
_WEEK = 7
_READ = (Kind.PARTIALS, Kind.ROWS)


@dataclass(frozen=True, slots=True)
class Jump:
    """A date of a table whose rows are not those of its weekday."""

    table: str
    day: date
    rows: int
    usual: float

    def __str__(self) -> str:
        return (
            f"{self.table} of {self.day} has {counted(self.rows, 'row')}, where a {self.day:%A} near it "
            f"has {self.usual:,.0f}: rows may be missing, or there twice"
        )


def jumps(entries: Sequence[Entry]) -> Iterator[Jump]:
    """Yield the dates of data sources that jump, by the rows that their tables had when they were read last.

    Dates that were read before they could settle are left out: they are provisional.
    """
    for table, rows in sorted(_rows(entries).items()):
        yield from jumps_of(table, rows)


def jumps_of(table: str, rows: Mapping[int, int]) -> Iterator[Jump]:
    """Yield the dates of a table that jump, given the rows by the date's ordinal."""
    for day, count in sorted(rows.items()):
        near = (day + week * _WEEK for week in range(-NEAR_DAYS // _WEEK, NEAR_DAYS // _WEEK + 1) if week)
        comparable = [rows[other] for other in near if other in rows]
        if len(comparable) < FEWEST_ALIKE:
            continue
        usual = median(comparable)
        unusual = count > FACTOR * usual or count * FACTOR < usual
        if unusual and abs(count - usual) > _STANDARD_DEVIATIONS * sqrt(max(usual, count)):
            yield Jump(table, date.fromordinal(day), count, usual)


def _rows(entries: Sequence[Entry]) -> dict[str, dict[int, int]]:
    """Return the rows of each table by date's ordinal, as they were when they were read last."""
    found: dict[str, dict[int, int]] = {}
    for entry in entries:
        if entry.kind not in _READ or entry.state not in (State.COMPUTED, State.NO_DATA):
            continue
        read = entry.recorded_at.date().toordinal()
        for day in entry.extent:
            versions = entry.input_at(day)
            for table, version in (json.loads(versions) if versions else {}).items():
                if version is not None and read >= day + SETTLE_DAYS:
                    found.setdefault(table, {})[day] = int(version[0])
    return found
