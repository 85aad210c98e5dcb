"""Which version of each date of telemetry counts, by the rules alone: nothing here knows the product's code.

Tables of telemetry are lists of rows by date. A date is *not there* while it has no rows, no later date has any, and it
is no older than `SETTLE` days. It is *provisional* for as many days, and read again whenever it was rewritten. Then it
is *settled*: looked at 1, 3 and 7 days later, and read again if it has more rows than were read. It is *sealed* from a
deletion run on, and while it has fewer rows than were read: then it is not read again, and the change is told.

Units that are found late are a group of their own, for which dates are read that others had already.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

SETTLE = 2
LOOKS = (1, 3, 7)

Row = tuple[object, ...]


@dataclass(frozen=True)
class Seen:
    """What a date held when it was read on the day `at`: `written` counts how often its rows were written."""

    at: date
    rows: tuple[Row, ...]
    written: int


@dataclass
class Upstream:
    """A table of telemetry; the unit comes first in a row."""

    name: str
    rows: dict[date, list[Row]] = field(default_factory=dict)
    written: dict[date, int] = field(default_factory=dict)

    def touch(self, days: Iterable[date]) -> None:
        """Say that the rows of these dates were written."""
        for day in days:
            self.written[day] = self.written.get(day, 0) + 1

    def seen(self, day: date, at: date) -> Seen:
        """Return what a date holds now."""
        rows = tuple(self.rows.get(day, ()))
        return Seen(at, rows, self.written.get(day, 0) if rows else 0)

    def is_awaited(self, day: date, today: date) -> bool:
        """Whether the rows of a date are not there yet."""
        newest = max((each for each, rows in self.rows.items() if rows), default=None)
        return not self.rows.get(day) and (newest is None or newest < day) and (today - day).days <= SETTLE


@dataclass
class Looks:
    """When the dates of a table were last looked at, and what was told of them."""

    table: Upstream
    last: dict[date, date] = field(default_factory=dict)
    told: set[tuple[str, date, int]] = field(default_factory=set)

    def is_due(self, day: date, read: Seen, today: date) -> bool:
        """Whether a date that was read has to be looked at."""
        settles = day + timedelta(days=SETTLE)
        last = max(read.at, self.last.get(day, read.at))
        return last < settles or any(last < settles + timedelta(days=after) <= today for after in LOOKS)

    def verdict(self, day: date, read: Seen, today: date, deletions: Sequence[date]) -> str:
        """Return `same`, `again`, or `stays`: changed, and not to be read by itself."""
        now = self.table.seen(day, today)
        if (now.written, now.rows) == (read.written, read.rows):
            return "same"
        more = len(now.rows) - len(read.rows)
        if more < 0 or any(day < run <= today for run in deletions):
            return "stays" if more else "same"
        return "again" if read.at < day + timedelta(days=SETTLE) or more else "same"

    def looked(self, day: date, reads: Iterable[Seen], today: date) -> None:
        """Note that a date was looked at and not read again."""
        if today >= day + timedelta(days=SETTLE):
            self.last[day] = today
        now = self.table.seen(day, today)
        for read in reads:
            if len(now.rows) != len(read.rows):
                self.told.add((self.table.name, day, len(now.rows) - len(read.rows)))


@dataclass(frozen=True)
class Unit:
    """What is known of a unit, and with which group it came."""

    branch: str
    enrolled: date
    events: int
    group: int


@dataclass
class Model:
    """What the product should have read, run by run. `least` counts the dates of activity that had to be read."""

    assignments: Upstream
    exposures: Upstream
    activity: Upstream
    enrollment: tuple[date, ...]
    units: dict[str, Unit] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)
    enrolled: dict[date, Seen] = field(default_factory=dict)
    exposed: dict[int, dict[date, Seen]] = field(default_factory=dict)
    read: dict[tuple[int, date], Seen] = field(default_factory=dict)
    least: int = 0
    next_group: int = 0

    def __post_init__(self) -> None:
        self.looks = {each.name: Looks(each) for each in (self.assignments, self.exposures, self.activity)}

    def run(self, today: date, wanted: Sequence[date], deletions: Sequence[date]) -> bool:
        """Do a run that nothing disturbs; return whether nothing is waited for."""
        if not self._enroll(today, deletions) or not self._expose(today, deletions):
            return False
        return self._read(today, wanted, deletions)

    def told(self) -> set[tuple[str, date, int]]:
        """Return which changes were not read: table, date, and by how many rows."""
        return {each for looks in self.looks.values() for each in looks.told}

    def lose(self, what: str) -> None:
        """Forget what was in a table of results that is gone."""
        if what == "partials":
            self.read.clear()
        elif what == "exposures":
            self.exposed.clear()
        elif what == "assignments":
            self.units.clear()
            self.groups.clear()
            self.enrolled.clear()

    def _enroll(self, today: date, deletions: Sequence[date]) -> bool:
        table, looks = self.assignments, self.looks[self.assignments.name]
        if self.enrolled:
            due = {day: read for day, read in self.enrolled.items() if looks.is_due(day, read, today)}
            again = {day for day, read in due.items() if looks.verdict(day, read, today, deletions) == "again"}
            for day in due.keys() - again:
                looks.looked(day, [due[day]], today)
            if not again:
                return True
        if any(table.is_awaited(day, today) for day in self.enrollment):
            return False
        self.enrolled = {day: table.seen(day, today) for day in self.enrollment}
        self._add(self.next_group)
        return True

    def _add(self, group: int) -> None:
        events: dict[str, list[tuple[date, str]]] = {}
        for day in self.enrollment:
            for unit, branch in self.enrolled[day].rows:
                events.setdefault(str(unit), []).append((day, str(branch)))
        for unit, found in events.items():
            first, branch = min(found)
            known = self.units.get(unit)
            if known is None or first < known.enrolled:
                self.units[unit] = Unit(branch, first, len(found), group)
            elif first == known.enrolled and len(found) > known.events:
                self.units[unit] = Unit(branch, first, len(found), known.group)
        if any(unit.group == group for unit in self.units.values()):
            self.groups.append(group)
            self.next_group += 1

    def _expose(self, today: date, deletions: Sequence[date]) -> bool:
        """All dates are read by one query, so that while one of them must stay as it is, all do."""
        table, looks = self.exposures, self.looks[self.exposures.name]
        reads = [(day, read) for group in self.groups for day, read in self.exposed.get(group, {}).items()]
        due = [(day, read) for day, read in reads if looks.is_due(day, read, today)]
        again = {day for day, read in due if looks.verdict(day, read, today, deletions) == "again"}
        if due and any(looks.verdict(day, read, today, deletions) == "stays" for day, read in reads):
            again = set()
        for day in {day for day, _ in due} - again:
            looks.looked(day, [_telling(looks, day, due, today, deletions)], today)
        todo = [group for group in self.groups if again or group not in self.exposed]
        if todo and any(table.is_awaited(day, today) for day in self.enrollment):
            return False
        for group in todo:
            self.exposed[group] = {day: table.seen(day, today) for day in self.enrollment}
        return True

    def _read(self, today: date, wanted: Sequence[date], deletions: Sequence[date]) -> bool:
        table, looks = self.activity, self.looks[self.activity.name]
        whole = True
        for day in wanted:
            reads = [(group, self.read[group, day]) for group in self.groups if (group, day) in self.read]
            due = [(group, read) for group, read in reads if looks.is_due(day, read, today)]
            verdicts = {group: looks.verdict(day, read, today, deletions) for group, read in due}
            again = [group for group, verdict in verdicts.items() if verdict == "again"]
            if "stays" in verdicts.values():
                again = []
            if due and not again:
                told = _telling(looks, day, [(day, read) for _, read in due], today, deletions)
                looks.looked(day, [told], today)
            todo = again + [group for group in self.groups if (group, day) not in self.read]
            if todo and table.is_awaited(day, today):
                whole = False
            elif todo:
                self.least += 1
                for group in todo:
                    self.read[group, day] = table.seen(day, today)
        return whole


def _telling(
    looks: Looks, day: date, reads: Iterable[tuple[date, Seen]], today: date, deletions: Sequence[date]
) -> Seen:
    """Return the read of a date from which the change is told: of those that must stay the last, if there are any."""
    of_day = [read for at, read in reads if at == day]
    return max(of_day, key=lambda read: (looks.verdict(day, read, today, deletions) == "stays", read.at))


def counting(model: Model, wanted: Sequence[date]) -> dict[str, dict[date, list[Row]]]:
    """Return the rows of each table that count: of each unit, those that were read for its group."""
    assigned: dict[date, list[Row]] = {}
    exposed: dict[date, list[Row]] = {}
    active: dict[date, list[Row]] = {}
    for name, unit in sorted(model.units.items()):
        assigned.setdefault(unit.enrolled, []).extend([(name, unit.branch)] * unit.events)
        for day, read in model.exposed[unit.group].items():
            exposed.setdefault(day, []).extend(row for row in read.rows if row[0] == name)
        for day in wanted:
            rows = model.read[unit.group, day].rows
            active.setdefault(day, []).extend(row for row in rows if row[0] == name)
    return {"assignments": assigned, "exposures": exposed, "activity": active}
