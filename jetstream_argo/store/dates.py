"""Decides which dates of telemetry are there, may still change, or must not be read again.

A date is *not there* while it has no rows, no later date has any, and it is too early to take it for a quiet day. It is
*provisional* until its source has settled, and read again whenever its rows change. Once *settled* it is looked at on
a few later days, and read again only when it has more rows. From a deletion of units on it is *sealed*: whoever asked
to be deleted would read as zero, so that nothing but a person reads it again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from jetstream_argo.config.written import canonical
from jetstream_argo.warehouse.types import DateVersion, Knowledge, TableVersions

# How many days after a date has settled it is looked at again.
LOOKS = (1, 3, 7)


@dataclass(frozen=True, slots=True)
class Freshness:
    """What decides about the dates of a source: how late rows may be, when units were deleted, and what day it is."""

    settle_days: int
    today: date
    may_be_empty: bool = False
    deletions: tuple[date, ...] = ()

    def settles_on(self, day: date) -> date:
        """Return from when on the rows of `day` are taken to be complete."""
        return day + timedelta(days=self.settle_days)

    def is_sealed(self, day: date) -> bool:
        """Whether units may have been deleted from `day` already."""
        return any(day < run <= self.today for run in self.deletions)


def awaited(day: date, versions: Sequence[TableVersions], freshness: Freshness) -> TableVersions | None:
    """Return a table in which the rows of `day` are not there yet, or None if they are, or are no longer waited for."""
    if freshness.may_be_empty or freshness.today > freshness.settles_on(day):
        return None
    for table in _growing(versions):
        if not _rows(table.dates.get(day)) and (table.newest is None or table.newest < day):
            return table
    return None


def _growing(versions: Sequence[TableVersions]) -> tuple[TableVersions, ...]:
    """Return the tables that get rows of new dates; a table that ended long before the others is not waited for."""
    dated = [table for table in versions if table.knowledge is Knowledge.BY_DATE]
    newest = max((table.newest for table in dated if table.newest is not None), default=None)
    if newest is None:
        return tuple(dated)
    since = newest - timedelta(days=_ENDED_DAYS)
    return tuple(table for table in dated if table.newest is not None and table.newest >= since)


_ENDED_DAYS = 7


def version_of(day: date, versions: Sequence[TableVersions]) -> str:
    """Return what the tables hold of `day`, as text for the record: by table [rows, bytes, modified], null if unknown.

    It is empty where no table has versions by date.
    """
    found: dict[str, list[int | str] | None] = {}
    for table in versions:
        if table.knowledge is Knowledge.BY_DATE:
            at = table.dates.get(day, _NOTHING)
            found[table.table] = [at.rows, at.bytes, at.modified]
        elif table.knowledge is Knowledge.UNKNOWN:
            found[table.table] = None
    return canonical(found) if found else ""


def is_known(versions: str) -> bool:
    """Whether versions by `version_of` tell of every table: equal ones are then of the same rows."""
    found = _parsed(versions)
    return bool(found) and None not in found.values()


_NOTHING = DateVersion(0, 0, "")
_NO_ROWS = [0, 0, ""]


def needs_look(day: date, seen_at: datetime, freshness: Freshness) -> bool:
    """Whether the versions of `day`, last looked at or read at `seen_at`, have to be looked at again."""
    settles_on, seen = freshness.settles_on(day), seen_at.date()
    if seen < settles_on:
        return True
    return any(seen < settles_on + timedelta(days=after) <= freshness.today for after in LOOKS)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether a date is to be read again, and by how many rows each table that was written since differs.

    That is 0 where other rows, or other bytes, are as many as were read.
    """

    read_again: bool = False
    changed: Mapping[str, int] = field(default_factory=dict)

    @property
    def stays(self) -> bool:
        """Whether there are more or fewer rows, and nothing but a person may read them again."""
        return any(self.changed.values()) and not self.read_again


def judge(day: date, read: str, read_at: datetime, now: str, freshness: Freshness) -> Judgement:
    """Decide about a date that was read with the versions `read` and has the versions `now`, both by `version_of`."""
    before, after = _parsed(read), _parsed(now)
    settled_when_read = read_at.date() >= freshness.settles_on(day)
    if not before or None in before.values() or None in after.values():
        # Whoever cannot know reads once more when the rows are complete.
        late = freshness.today >= freshness.settles_on(day) and not settled_when_read
        return Judgement(read_again=bool(after) and late and not freshness.is_sealed(day))
    if before == after:
        return Judgement()
    changed = {
        table: _count(after.get(table)) - _count(before.get(table))
        for table in dict.fromkeys((*before, *after))
        if (before.get(table) or _NO_ROWS) != (after.get(table) or _NO_ROWS)
    }
    if freshness.is_sealed(day) or any(rows < 0 for rows in changed.values()):
        return Judgement(changed=changed)
    return Judgement(not settled_when_read or any(changed.values()), changed)


def has_fewer(read: str, now: str) -> bool:
    """Whether some table has fewer rows `now` of a date than when it was read, both by `version_of`."""
    before, after = _parsed(read), _parsed(now)
    known = [table for table, version in before.items() if version is not None and after.get(table, []) is not None]
    return any(_count(before[table]) > _count(after.get(table)) for table in known)


_Versions = dict[str, list[int | str] | None]


def _parsed(text: str) -> _Versions:
    return json.loads(text) if text else {}


def _count(version: list[int | str] | None) -> int:
    return int(version[0]) if version else 0


def _rows(version: DateVersion | None) -> int:
    return version.rows if version is not None else 0
