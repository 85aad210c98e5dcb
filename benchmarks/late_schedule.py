"""Histories of late telemetry, drawn from a seed: what arrives when, what changes, what vanishes, and who is killed."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from benchmarks.late_dates import Row, Upstream
from benchmarks.late_model import Model
from benchmarks.late_world import COLUMNS, ENROLLMENT, READING, SHOWING, Killed, Mortality, World, plan_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.pipeline import START

LAST = START + timedelta(days=8)  # the first week of whoever enrolled last
BRANCHES = ("control", "treatment")
LOSABLE = ("partials", "values", "exposures", "segments", "signals", "assignments")


def days_until(last: date) -> list[date]:
    """Return the dates from the first enrollment on."""
    return [START + timedelta(days=n) for n in range((last - START).days + 1)]


@dataclass
class Schedule:
    """One history; a short one has two runs before the last, and no estimates."""

    seed: int
    root: Path
    short: bool = False
    deletions: list[date] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # no secret
        self.world = World(self.root)
        self.has_signal = self.rng.random() < 0.4
        self.tables = [Upstream(name) for name in COLUMNS]
        self.model = Model({table.name: table for table in self.tables}, ENROLLMENT, self.has_signal)
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

    def plan(self, as_of: date = LAST) -> AnalysisPlan:
        """Return the plan of what is due by then."""
        return plan_of(as_of, self.deletions, has_signal=self.has_signal)

    def _begin(self) -> None:
        """Draw what each unit does; most of it is there the day after."""
        self.all: dict[str, dict[date, list[Row]]] = {table.name: {} for table in self.tables}
        for number in range(self.rng.choice((5, 8))):
            unit = f"u{number}"
            enrolled = self.rng.choice(ENROLLMENT)
            days = [enrolled, *self.rng.choices(ENROLLMENT, k=self.rng.choice((0, 0, 1)))]
            for day in days:
                self._will("assignments", day, (unit, BRANCHES[number % 2]))
                self._will("os", day, (unit, self.rng.random() < 0.5))
            for name in ("exposures", "signals"):
                for day in self.rng.sample(ENROLLMENT, self.rng.choice((0, 1, 1, 2))):
                    self._will(name, day, (unit,))
            for day in days_until(LAST):
                for _ in range(self.rng.choice((0, 1, 1, 2))):
                    self._will("activity", day, (unit, self.rng.random() * 10, self.rng.randrange(5)))
                if self.rng.random() < 0.7:
                    self._will("sessions", day, (unit, self.rng.random() * 10))
        for table in self.tables:
            self.world.write(table, {}, Write.TRUNCATE)

    def _will(self, name: str, day: date, row: Row) -> None:
        self.all[name].setdefault(day, []).append(row)

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
        if self.rng.random() < 0.25:
            self._lose_partition(today)

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

    def _lose_partition(self, today: date) -> None:
        """One date or window of a table of results vanishes."""
        plan, name = self.plan(), self.rng.choice(("activity", "signals", "sessions"))
        day = self.rng.choice(ENROLLMENT if name == "signals" else days_until(LAST))
        if name == "sessions":
            gone = self._vanish(names.values(plan, Basis.ENROLLMENTS, name, Period.WEEK), "window_index", "1")
        else:
            table = names.partials(plan, name) if name == "activity" else names.signals(plan)
            gone = self._vanish(table, "submission_date", f"DATE '{day}'")
        if gone and name == "sessions":
            self.model.lose("values")
        elif gone:
            self.model.lose_date(name, day)
        self._note(f"{today}: of results' {name} {day} vanishes" if gone else f"{today}: nothing vanishes")

    def _vanish(self, table: str, column: str, place: str) -> bool:
        engine = self.world.engine()
        if engine.info(table) is None:
            return False
        engine.query_to_table(
            Sql(f"SELECT t.* FROM `{table}` AS t WHERE t.{column} IS NULL OR t.{column} != {place}"),
            table,
            write=Write.TRUNCATE,
            labels={},
            layout=Layout(column, ("analysis_id",)),
        )
        return True

    def _run(self, today: date, *, undisturbed: bool = False) -> None:
        """Run until nothing is killed; at most two kills."""
        self.world.now = self.world.now.replace(month=today.month, day=today.day)
        as_of = min(today - timedelta(days=1), LAST)
        plan = self.plan(as_of)
        whole = not self.short and (undisturbed or self.rng.random() < 0.3)
        only = () if whole else SHOWING if undisturbed else READING
        for _ in range(0 if undisturbed else self.rng.choice((0, 0, 1, 2))):
            mortality = Mortality(self.rng.randrange(1, 16), before=self.rng.random() < 0.3)
            try:
                self.world.run(plan, only=only, mortality=mortality)
            except Killed:
                self._note(f"{today}: killed at write {mortality.at}")
        ended = self.world.run(plan, only=only)
        expected = self.model.run(today, days_until(as_of), self.deletions, week_is_due=as_of >= LAST)
        self._note(f"{today}: ran{' all' if whole else ''}, {'whole' if ended else 'waits'}; expected {expected}")
        if ended is not expected:
            raise AssertionError("waits for something, or does not")
        if undisturbed and not ended:
            raise AssertionError("the last run waits")

    def _note(self, text: str) -> None:
        self.log.append(text)
