"""Whether late telemetry, lost tables and kills leave anything wrong: `python -m benchmarks.late`.

Makes up schedules in which dates of telemetry come late, in parts, grow and shrink, units are deleted, tables of
results vanish and tasks are killed at random writes; a run of the analysis follows each change. What results at the
end is compared with one run that nothing disturbed, over the data that counts by the rules of `benchmarks.late_model`;
so are the changes that the record says were not read, and how often dates were read. Then runs, `delete` and `shred`
are killed at random writes, and done again (`benchmarks.kills`).
"""

import argparse
import json
import math
import random
import re
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from benchmarks.kills import Killing, Kills
from benchmarks.late_model import Model, Row, Upstream, counting
from benchmarks.late_world import ENROLLMENT, READING, SHOWING, Killed, Mortality, World, plan_of, results
from jetstream_argo.engines.protocol import Write
from jetstream_argo.run.context import read_ledger
from jetstream_argo.store.entries import Entry, Kind, State
from tests.pipeline import START

LAST = START + timedelta(days=8)  # the first week of whoever enrolled last
BRANCHES = ("control", "treatment")
LOSABLE = ("partials", "values", "exposures", "assignments")


@dataclass
class Schedule:
    """One history of late telemetry, drawn from a seed; a short one has two runs before the last, and no estimates."""

    seed: int
    root: Path
    short: bool = False
    deletions: list[date] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # no secret
        self.world = World(self.root)
        self.tables = [Upstream(name) for name in ("assignments", "exposures", "activity")]
        self.model = Model(*self.tables, ENROLLMENT)
        self.held_back: list[tuple[Upstream, date, list[Row]]] = []

    def play(self) -> None:
        """Live through it, and end with a run that nothing disturbs."""
        self._begin()
        today = START + timedelta(days=3)
        loaded = START - timedelta(days=1)
        while today <= LAST + timedelta(days=3):
            while loaded < min(today - timedelta(days=1), LAST):
                loaded += timedelta(days=1)
                self._load(loaded)
            self._change(today)
            self._run(today)
            today += timedelta(days=5 if self.short else self.rng.choice((1, 1, 2, 3, 4)))
        last = LAST + timedelta(days=self.rng.choice((4, 5, 6, 9)))
        self._change(last)
        self._run(last, undisturbed=True)

    def _begin(self) -> None:
        """Draw what each unit does; most of it is there the day after."""
        self.all: dict[str, dict[date, list[Row]]] = {table.name: {} for table in self.tables}
        for number in range(self.rng.choice((5, 8))):
            unit = f"u{number}"
            enrolled = self.rng.choice(ENROLLMENT)
            days = [enrolled, *self.rng.choices(ENROLLMENT, k=self.rng.choice((0, 0, 1)))]
            for day in days:
                self.all["assignments"].setdefault(day, []).append((unit, BRANCHES[number % 2]))
            for day in self.rng.sample(ENROLLMENT, self.rng.choice((0, 1, 1, 2))):
                self.all["exposures"].setdefault(day, []).append((unit,))
            for n in range((LAST - START).days + 1):
                for _ in range(self.rng.choice((0, 1, 1, 2))):
                    row = (unit, self.rng.random() * 10, self.rng.randrange(5))
                    self.all["activity"].setdefault(START + timedelta(days=n), []).append(row)
        for table in self.tables:
            self.world.write(table, {}, Write.TRUNCATE)

    def _load(self, day: date) -> None:
        """A date arrives: whole, half, or not yet."""
        for table in self.tables:
            rows = self.all[table.name].get(day, [])
            there = self.rng.choices((len(rows), len(rows) // 2, 0), (6, 3, 1))[0]
            self._append(table, day, rows[:there])
            if rows[there:]:
                self.held_back.append((table, day, rows[there:]))

    def _append(self, table: Upstream, day: date, rows: Sequence[Row]) -> None:
        if rows:
            table.rows.setdefault(day, []).extend(rows)
            table.touch([day])
            self.world.write(table, {day: rows}, Write.APPEND)

    def _rebuild(self, table: Upstream) -> None:
        table.touch(table.rows)
        self.world.write(table, table.rows, Write.TRUNCATE)

    def _change(self, today: date) -> None:
        for late in list(self.held_back):
            if self.rng.random() < 0.6:
                self.held_back.remove(late)
                self._note(f"{today}: {late[0].name} of {late[1]} grows by {len(late[2])}")
                self._append(*late)
        if self.rng.random() < 0.15:
            table = self.rng.choice(self.tables)
            self._note(f"{today}: {table.name} is written anew")
            self._rebuild(table)
        if self.rng.random() < 0.2:
            self._delete_unit(today)
        if self.rng.random() < 0.25:
            self._lose(self.rng.choice(LOSABLE), today)

    def _delete_unit(self, today: date) -> None:
        unit = f"u{self.rng.randrange(5)}"
        self._note(f"{today}: {unit} is deleted")
        if self.rng.random() < 0.5:
            self.deletions.append(today)
        for table in self.tables:
            if any(row[0] == unit for rows in table.rows.values() for row in rows):
                table.rows = {day: [row for row in rows if row[0] != unit] for day, rows in table.rows.items()}
                self._rebuild(table)
        self.held_back = [(table, day, [row for row in rows if row[0] != unit]) for table, day, rows in self.held_back]

    def _lose(self, what: str, today: date) -> None:
        self._note(f"{today}: results' {what} vanish")
        engine = self.world.engine()
        for listed in engine.tables("results", prefix=what):
            if not listed.is_view:
                engine.delete(listed.name)
                self.model.lose(what)

    def _run(self, today: date, *, undisturbed: bool = False) -> None:
        """Run until nothing is killed; at most two kills."""
        self.world.now = self.world.now.replace(month=today.month, day=today.day)
        as_of = min(today - timedelta(days=1), LAST)
        plan = plan_of(as_of, self.deletions)
        whole = not self.short and (undisturbed or self.rng.random() < 0.3)
        only = () if whole else SHOWING if undisturbed else READING
        for _ in range(0 if undisturbed else self.rng.choice((0, 0, 1, 2))):
            mortality = Mortality(self.rng.randrange(1, 12), before=self.rng.random() < 0.3)
            try:
                self.world.run(plan, only=only, mortality=mortality)
            except Killed:
                self._note(f"{today}: killed at write {mortality.at}")
        ended = self.world.run(plan, only=only)
        expected = self.model.run(today, self.wanted(as_of), self.deletions)
        self._note(f"{today}: ran{' all' if whole else ''}, {'whole' if ended else 'waits'}; expected {expected}")
        if ended is not expected:
            raise AssertionError("waits for something, or does not")
        if undisturbed and not ended:
            raise AssertionError("the last run waits")

    def _note(self, text: str) -> None:
        self.log.append(text)

    def wanted(self, as_of: date) -> list[date]:
        """Return the dates of activity that count by then."""
        return [START + timedelta(days=n) for n in range((as_of - START).days + 1)]


@dataclass(frozen=True)
class Verdict:
    """What came of a schedule: how its end differs from what it should be, and how many dates were read."""

    seed: int
    faults: tuple[str, ...]
    read: int
    least: int


def tried(seed: int, folder: Path, *, short: bool = False) -> Verdict:
    """Play a schedule, and compare its end with an undisturbed run over the data that counts."""
    schedule = Schedule(seed, folder / f"late-{seed}", short)
    try:
        schedule.play()
    except Exception as error:  # noqa: BLE001  # a schedule that fails is a result
        return Verdict(seed, (f"{type(error).__name__}: {error}", *schedule.log), 0, 0)
    plan = plan_of(LAST, schedule.deletions)
    engine = schedule.world.engine()
    entries = read_ledger(plan, engine).entries
    faults = [*_differences(results(engine), _undisturbed(schedule, folder))]
    told, expected = _told(entries), schedule.model.told()
    faults += [f"not told: {change}" for change in sorted(expected - told)]
    faults += [f"told, though read or never changed: {change}" for change in sorted(told - expected)]
    read = sum(len(entry.places) for entry in entries if entry.kind is Kind.PARTIALS and entry.state is State.COMPUTED)
    return Verdict(seed, (*faults, *schedule.log) if faults else (), read, schedule.model.least)


def _undisturbed(schedule: Schedule, folder: Path) -> dict[str, list[str]]:
    world = World(folder / f"undisturbed-{schedule.seed}")
    wanted = schedule.wanted(LAST)
    for table in schedule.tables:
        world.write(table, counting(schedule.model, wanted)[table.name], Write.TRUNCATE)
    world.now = world.now.replace(year=2100)
    if not world.run(plan_of(LAST), only=SHOWING if schedule.short else ()):
        raise AssertionError("the undisturbed run did not end")
    return results(world.engine())


def _told(entries: Sequence[Entry]) -> set[tuple[str, date, int]]:
    found = set()
    for entry in entries:
        if entry.kind is Kind.LOOK and entry.facts:
            for day, tables in json.loads(entry.facts)["changed_upstream"].items():
                for table, rows in tables.items():
                    found.add((table.removeprefix("telemetry."), date.fromisoformat(day), rows))
    return found


_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def _differences(found: dict[str, list[str]], expected: dict[str, list[str]]) -> list[str]:
    """Return how rows differ: texts must be equal, and floats to 1e-12."""
    if found.keys() != expected.keys():
        return [f"views {sorted(found)} instead of {sorted(expected)}"]
    wrong = []
    for view, rows in expected.items():
        if len(rows) != len(found[view]):
            wrong.append(f"{view} has {len(found[view])} rows instead of {len(rows)}")
        for mine, theirs in zip(found[view], rows, strict=False):
            if not _is_close(mine, theirs):
                wrong.append(f"{view}: {mine} instead of {theirs}")
    return wrong[:6]


def _is_close(mine: str, theirs: str) -> bool:
    if _NUMBER.sub("", mine) != _NUMBER.sub("", theirs):
        return False
    pairs = zip(_NUMBER.findall(mine), _NUMBER.findall(theirs), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-11, abs_tol=1e-12) for a, b in pairs)


def schedules(first: int, number: int) -> bool:
    """Try schedules, and print what came of them; return whether all were equal."""
    read = least = wrong = 0
    for seed in range(first, first + number):
        with tempfile.TemporaryDirectory(prefix="late-") as folder:
            verdict = tried(seed, Path(folder))
        read, least, wrong = read + verdict.read, least + verdict.least, wrong + bool(verdict.faults)
        if verdict.faults:
            print(f"seed {seed}:", *verdict.faults, sep="\n  ", flush=True)
    ratio = f"{read / least:.3f}" if least else "-"
    print(f"{number - wrong} of {number} schedules equal; {read} dates read, {least} at the least: {ratio}", flush=True)
    return not wrong


def killed(first: int, number: int, signals: int) -> bool:
    """Kill commands until there were so many kills, and print what came of it; return whether all was as it should."""
    found: list[Killing] = []
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        kills = Kills(Path(folder))
        while sum(each.kills for each in found) < number:
            rng = random.Random(first + len(found))  # no secret
            found.append((kills.run, kills.delete, kills.shred)[len(found) % 3](rng))
        while sum(each.kills for each in found if each.what == "signalled run") < signals:
            found.append(kills.signalled(random.Random(first + len(found))))
    for what in dict.fromkeys(each.what for each in found):
        mine = [each for each in found if each.what == what]
        equal, times = sum(not each.faults for each in mine), sum(each.kills for each in mine)
        left = sum(each.left_over for each in mine)
        print(f"{what}: {times} kills, {equal} of {len(mine)} chains the same, {left} files left over", flush=True)
        print(*(fault for each in mine for fault in each.faults), sep="\n")
    return not any(each.faults for each in found)


def main() -> None:
    """Print what came of all schedules and kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--signals", type=int, default=20, help="kills of processes, by SIGKILL")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    good = schedules(arguments.first, arguments.schedules)
    good &= killed(arguments.first, arguments.kills, arguments.signals)
    sys.exit(not good)


if __name__ == "__main__":
    main()
