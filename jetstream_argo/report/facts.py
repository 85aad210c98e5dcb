"""The facts that change how all numbers are read: units, and dates that are waited for or that changed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from jetstream_argo.report.health import Check, HealthCheck, health_of
from jetstream_argo.report.who_counts import WhoCounts, who_counts
from jetstream_argo.store.entries import Entry, Kind, State

_READS = (Kind.ENROLLMENTS, Kind.EXPOSURES, Kind.SEGMENTS, Kind.SIGNALS, Kind.PARTIALS, Kind.ROWS)


@dataclass(frozen=True, slots=True)
class BranchUnits:
    """How many units a branch has, and how many of them were exposed."""

    branch: str
    units: int
    exposed: int


@dataclass(frozen=True, slots=True)
class LeftOut:
    """How many units the enrollment query has under a name that is no branch: no result counts them."""

    name: str
    units: int


@dataclass(frozen=True, slots=True)
class Outside:
    """How many rows are of units that enrolled, or were exposed, before or after all dates of enrollment.

    These dates are written as the record has them: 2026-05-04.
    """

    enrolled: int
    exposed: int
    first_date: str
    last_date: str


@dataclass(frozen=True, slots=True)
class Units:
    """Who is in the experiment. `in_several` counts the rows of units that are in more than one branch."""

    branches: tuple[BranchUnits, ...]
    left_out: tuple[LeftOut, ...] = ()
    in_several: int = 0
    outside: Outside | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Dates that were not loaded when a node looked last; `message` names the first."""

    source: str
    first_date: date
    last_date: date
    since: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A date of a table that holds `rows` more (or, negative, fewer) than when it was read, and was not read again.

    `rows` is 0 where it was written since, and holds as many.
    """

    table: str
    day: date
    rows: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """A table of which it cannot be seen whether it changes; `reason` says why, and is empty of a look-up table."""

    table: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restricted:
    """A source of which the account saw only a part, for these reasons, and was not told by an error."""

    source: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts.

    `units` is None where they were not counted yet, and `who` too where an earlier version has counted. `retired` is
    when rows of units were removed for good; None if there are some.
    """

    units: Units | None = None
    waiting: tuple[Waiting, ...] = ()
    changed: tuple[Changed, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    restricted: tuple[Restricted, ...] = ()
    retired: date | None = None
    who: WhoCounts | None = None
    health: tuple[Check, ...] = ()

    @property
    def has_no_units(self) -> bool:
        """Whether units were looked for and none were found."""
        return any(check.check is HealthCheck.NOBODY for check in self.health)

    @property
    def excluded(self) -> int:
        """How many rows of units count in no result, of those in branches of the experiment."""
        if self.units is None or self.who is None or not self.who.excludes:
            return 0
        return sum(branch.units for branch in self.units.branches) - sum(count for _, count in self.who.counted)


NOTHING = Facts()


def facts_of(entries: Sequence[Entry], *, branches: Sequence[str] = ()) -> Facts:
    """Return what `entries`, oldest first, say of it; `branches` first, in this order."""
    counted = _counted(entries)
    who = who_counts(counted, branches)
    return Facts(
        _units(counted, branches) if counted else None,
        tuple(_waiting(entries)),
        tuple(_changed(entries)),
        tuple(_unseen(entries)),
        tuple(_restricted(entries)),
        _retired(entries),
        who,
        health_of(entries, counted, who),
    )


def settling(entry: Entry, window: int) -> date | None:
    """Return from when on the rows are taken to be complete that the estimates of a window rest on, if it says so."""
    days: list[str] = json.loads(entry.facts).get("settles_on", []) if entry.facts else []
    position = window - entry.extent.start
    return date.fromisoformat(days[position]) if 0 <= position < len(days) else None


def _counted(entries: Sequence[Entry]) -> dict[str, Any]:
    """Return the facts of the last entry that counts the units; none if they were not counted."""
    for entry in reversed(entries):
        if entry.kind is Kind.ENROLLMENTS and entry.facts:
            found: dict[str, Any] = json.loads(entry.facts)
            if "branches" in found:
                return found
    return {}


def _units(counted: dict[str, Any], order: Sequence[str]) -> Units:
    counts = counted["branches"]
    branches = dict.fromkeys(name for name in (*order, *counts) if name in counts)
    return Units(
        tuple(BranchUnits(name, counts[name]["units"], counts[name]["exposed"]) for name in branches),
        tuple(LeftOut(name, units) for name, units in counted["left_out"].items()),
        counted["in_several"],
        Outside(**counted["outside"]) if "outside" in counted else None,
    )


def _waiting(entries: Sequence[Entry]) -> Iterator[Waiting]:
    """Yield what the last attempt at some rows waited for, unless these were read since."""
    last: dict[tuple[Kind, str, str], Entry] = {}
    for entry in entries:
        if entry.kind in _READS and entry.state in (State.WAITING, State.COMPUTED, State.NO_DATA):
            for key in [key for key in last if key[:2] == (entry.kind, entry.table)]:
                if last[key].extent.start in entry.extent:
                    del last[key]
            if entry.state is State.WAITING:
                last[entry.kind, entry.table, entry.source] = entry
    for entry in last.values():
        if entry.first_date is not None and entry.last_date is not None:
            yield Waiting(entry.source, entry.first_date, entry.last_date, entry.recorded_at, entry.message)


def _unseen(entries: Sequence[Entry]) -> Iterator[Unseen]:
    """Yield the tables of which the last reading of each source knew no versions."""
    latest = {(entry.table, entry.source): entry for entry in entries if entry.kind in _READS and entry.extent}
    found: dict[str, str] = {}
    for entry in latest.values():
        about = json.loads(entry.facts) if entry.facts else {}
        found |= dict.fromkeys(about.get("undated", []), "") | about.get("unknown_versions", {})
    yield from (Unseen(table, reason) for table, reason in sorted(found.items()))


def _restricted(entries: Sequence[Entry]) -> Iterator[Restricted]:
    """Yield the sources of which some reading that counts was restricted."""
    found: dict[str, dict[str, None]] = {}
    for entry in entries:
        if entry.kind in (*_READS, Kind.VALUES) and entry.state is State.COMPUTED and "restrictions" in entry.facts:
            reasons = json.loads(entry.facts).get("restrictions", [])
            found.setdefault(entry.source or entry.kind.value, {}).update(dict.fromkeys(reasons))
    yield from (Restricted(source, tuple(reasons)) for source, reasons in found.items() if reasons)


def _retired(entries: Sequence[Entry]) -> date | None:
    """Return when rows of units were removed for good, unless some were read since."""
    for entry in reversed(entries):
        if entry.kind is Kind.RETIREMENT:
            return entry.recorded_at.date()
        if entry.kind is Kind.PARTIALS and entry.state is State.COMPUTED:
            return None
    return None


def _changed(entries: Sequence[Entry]) -> Iterator[Changed]:
    """Yield what was seen of each date at the last look, unless all that had been read was read again since."""
    seen: dict[tuple[str, int], dict[str, int]] = {}
    read: dict[tuple[str, int], set[str]] = {}
    unread: dict[tuple[str, int], set[str]] = {}
    for entry in entries:
        for place in ((entry.table, ordinal) for ordinal in entry.extent):
            if entry.kind is Kind.LOOK:
                seen[place] = _differences(entry, place[1])
                unread[place] = set(read.get(place, ()))
            elif entry.kind in _READS and entry.state is State.COMPUTED:
                read.setdefault(place, set()).update(entry.keys)
                if place in seen:
                    unread[place].difference_update(entry.keys)
                    if not unread[place]:
                        del seen[place]
    found = {(table, place[1]): rows for place, tables in seen.items() for table, rows in tables.items()}
    for (table, ordinal), rows in sorted(found.items()):
        yield Changed(table, date.fromordinal(ordinal), rows)


def _differences(look: Entry, ordinal: int) -> dict[str, int]:
    found = json.loads(look.facts).get("changed_upstream", {}) if look.facts else {}
    differences: dict[str, int] = found.get(date.fromordinal(ordinal).isoformat(), {})
    return differences
