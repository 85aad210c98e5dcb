"""Which rows of telemetry count at the end of a history, run by run, by the rules alone (`benchmarks.late_dates`).

Units that are found late are a group of their own, for which dates are read that others had already. Exposures and
segments are read by a query of all their dates. A metric that is computed from all rows directly is computed anew when
a date that it needs was read again, or others are enrolled or exposed; while one of its dates must stay, it stays.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from benchmarks.late_dates import Looks, Row, Seen, Upstream

EVERYBODY = 0
WINDOW = timedelta(days=6)  # from the first to the last day of a week


@dataclass(frozen=True)
class Held:
    """What was read of a date, and into which batch of rows."""

    batch: int
    seen: Seen


Reads = dict[tuple[int, date], Held]


@dataclass(frozen=True)
class Unit:
    """What is known of a unit, and with which group it came."""

    branch: str
    enrolled: date
    events: int
    group: int


@dataclass
class Model:
    """What the product should have read. `least` counts the dates of activity that had to be.

    `tables` are by their names. Either `exposures` or `signals` expose units. Rows of `sessions` go into a direct
    metric, the longest of a week, which is in `peaks` by unit once it was computed.
    """

    tables: dict[str, Upstream]
    enrollment: tuple[date, ...]
    has_signal: bool
    units: dict[str, Unit] = field(default_factory=dict)
    groups: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    enrolled: dict[date, Seen] = field(default_factory=dict)
    traits: dict[str, dict[int, dict[date, Held]]] = field(default_factory=dict)
    read: dict[str, Reads] = field(default_factory=dict)
    stored: set[tuple[int, date]] = field(default_factory=set)
    peaks: dict[str, float | None] | None = None
    peaks_from: object = None
    least: int = 0
    serial: int = 0

    def __post_init__(self) -> None:
        self.looks = {name: Looks(table) for name, table in self.tables.items()}
        self.traits = {name: {} for name in (() if self.has_signal else ("exposures",)) + ("os",)}
        self.read = {name: {} for name in ("activity", "sessions", "signals")}

    def run(self, today: date, wanted: Sequence[date], deletions: Sequence[date], *, week_is_due: bool) -> bool:
        """Do a run that nothing disturbs; return whether nothing is waited for."""
        if not self._enroll(today, deletions) or not all(self._trait(name, today, deletions) for name in self.traits):
            return False
        if self.has_signal and not self._read("signals", self.enrollment, self.groups, today, deletions):
            return False
        whole = self._read("activity", wanted, self.groups, today, deletions)
        if week_is_due:
            whole &= self._read("sessions", wanted, [EVERYBODY], today, deletions)
            self._longest(wanted)
        return whole

    def told(self) -> set[tuple[str, date, int]]:
        """Return which changes were not read: table, date, and by how many rows."""
        return {announcement for looks in self.looks.values() for announcement in looks.announced}

    def lose(self, what: str) -> None:
        """Forget what was in tables of results that are gone."""
        if what == "assignments":
            self.units.clear()
            self.groups.clear()
            self.batches.clear()
            self.enrolled.clear()
        elif what == "partials":
            self.read["activity"].clear()
        elif what == "values":
            self.peaks = None
        elif what == "segments":
            self.traits["os"].clear()
        else:
            with_rows = {batch for batch, _ in self.stored}  # what left no rows cannot be lost
            if what == "signals":
                self.read[what] = {
                    at: reading for at, reading in self.read[what].items() if reading.batch not in with_rows
                }
            elif what in self.traits:
                known = self.traits[what]
                self.traits[what] = {
                    group: days for group, days in known.items() if _batches(days).isdisjoint(with_rows)
                }

    def lose_date(self, name: str, day: date) -> None:
        """Forget what was read of one date."""
        known = self.read[name]
        self.read[name] = {
            at: reading for at, reading in known.items() if at[1] != day or (reading.batch, day) not in self.stored
        }

    def _enroll(self, today: date, deletions: Sequence[date]) -> bool:
        table, looks = self.tables["assignments"], self.looks["assignments"]
        if self.enrolled:
            due = {day: read for day, read in self.enrolled.items() if looks.is_due(day, read, today)}
            again = {day for day, read in due.items() if looks.verdict(day, read, today, deletions) == "again"}
            for day in due.keys() - again:
                looks.looked(day, due[day], today)
            if not again:
                return True
        if any(table.is_awaited(day, today) for day in self.enrollment):
            return False
        self.enrolled = {day: table.seen(day, today) for day in self.enrollment}
        self._add()
        return True

    def _add(self) -> None:
        self.serial += 1
        group, before = self.serial, dict(self.units)
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
        if self.units != before:
            self.batches.append(group)
        if any(unit.group == group for unit in self.units.values()):
            self.groups.append(group)

    def _trait(self, name: str, today: date, deletions: Sequence[date]) -> bool:
        """All dates are read by one query, so that while one of them must stay as it is, all do."""
        table, looks, known = self.tables[name], self.looks[name], self.traits[name]
        reads = [(day, reading.seen) for group in self.groups for day, reading in known.get(group, {}).items()]
        due = [(day, read) for day, read in reads if looks.is_due(day, read, today)]
        again = {day for day, read in due if looks.verdict(day, read, today, deletions) == "again"}
        if due and any(looks.verdict(day, read, today, deletions) == "stays" for day, read in reads):
            again = set()
        for day in {day for day, _ in due} - again:
            looks.looked(day, _telling(looks, day, due, today, deletions), today)
        todo = [group for group in self.groups if again or group not in known]
        if todo and any(table.is_awaited(day, today) for day in self.enrollment):
            return False
        self.serial += 1
        for group in todo:
            known[group] = {day: Held(self.serial, table.seen(day, today)) for day in self.enrollment}
        for day in self.enrollment:
            self._store(self.serial, day, table.seen(day, today), todo, since_enrollment=True)
        return True

    def _read(
        self, name: str, wanted: Sequence[date], groups: Sequence[int], today: date, deletions: Sequence[date]
    ) -> bool:
        table, looks, known = self.tables[name], self.looks[name], self.read[name]
        whole = True
        before: tuple[date, list[int]] | None = None
        for day in wanted:
            reads = [(group, known[group, day].seen) for group in groups if (group, day) in known]
            due = [(group, read) for group, read in reads if looks.is_due(day, read, today)]
            verdicts = {group: looks.verdict(day, read, today, deletions) for group, read in due}
            again = [group for group, verdict in verdicts.items() if verdict == "again"]
            if "stays" in verdicts.values():
                again = []
            if due and not again:
                looks.looked(day, _telling(looks, day, [(day, read) for _, read in due], today, deletions), today)
            todo = [group for group in groups if group in again or (group, day) not in known]
            if todo and table.is_awaited(day, today):
                whole = False
            elif todo:
                self.least += name == "activity"
                looks.unread.discard(day)
                if before != (day - timedelta(days=1), todo):
                    self.serial += 1  # dates that follow one another are read at once
                before = day, todo
                seen = table.seen(day, today)
                known |= {(group, day): Held(self.serial, seen) for group in todo}
                self._store(self.serial, day, seen, todo)
        return whole

    def _store(
        self, batch: int, day: date, seen: Seen, groups: Sequence[int], *, since_enrollment: bool = False
    ) -> None:
        """Note whether a batch has rows of a date: of units of these groups."""
        units = [self.units[str(row[0])] for row in seen.rows if row[0] in self.units]
        if any(unit.group in groups and (not since_enrollment or day >= unit.enrolled) for unit in units):
            self.stored.add((batch, day))

    def _longest(self, wanted: Sequence[date]) -> None:
        """Compute the direct metric from the rows that there are now, if what it was made from is there and differs."""
        known, looks = self.read["sessions"], self.looks["sessions"]
        if any((EVERYBODY, day) not in known for day in wanted):
            return
        reads = [known[EVERYBODY, day].seen for day in wanted]
        exposures = self.traits.get("exposures", {})
        exposed = [sorted(_batches(exposures.get(group, {}))) for group in self.groups]
        made_from = ([(read.written, read.rows) for read in reads], [*self.groups], [*self.batches], exposed)
        if self.peaks is not None and (made_from == self.peaks_from or looks.unread):
            return
        self.peaks, self.peaks_from = {}, made_from
        for name, unit in self.units.items():
            lengths = [
                float(str(row[1]))
                for day, rows in looks.table.rows.items()
                for row in rows
                if row[0] == name and unit.enrolled <= day <= unit.enrolled + WINDOW
            ]
            self.peaks[name] = max(lengths, default=None)


def _batches(days: Mapping[date, Held]) -> set[int]:
    return {day.batch for day in days.values()}


def _telling(
    looks: Looks, day: date, reads: Iterable[tuple[date, Seen]], today: date, deletions: Sequence[date]
) -> Seen:
    """Return the read of a date from which the change is told: of those that must stay the last, if there are any."""
    of_day = [read for at, read in reads if at == day]
    return max(of_day, key=lambda read: (looks.verdict(day, read, today, deletions) == "stays", read.at))


def counting(model: Model, wanted: Sequence[date]) -> dict[str, dict[date, list[Row]]]:
    """Return the rows of each table that count: of each unit, those that were read for its group."""
    found: dict[str, dict[date, list[Row]]] = {name: {} for name in model.tables}
    for name, unit in sorted(model.units.items()):
        found["assignments"].setdefault(unit.enrolled, []).extend([(name, unit.branch)] * unit.events)
        for trait, by_group in model.traits.items():
            for day, counted in by_group[unit.group].items():
                found[trait].setdefault(day, []).extend(row for row in counted.seen.rows if row[0] == name)
        for source in ("activity", *(("signals",) if model.has_signal else ())):
            for day in wanted if source == "activity" else model.enrollment:
                rows = model.read[source][unit.group, day].seen.rows
                found[source].setdefault(day, []).extend(row for row in rows if row[0] == name)
    return found
