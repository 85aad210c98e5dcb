"""Whether what was killed at some write, and done again, is as if nothing had happened.

Commands are killed once to three times, before or after a write, by an exception that nothing catches, and then done
again without. Afterwards everything must be as after one that nothing disturbed, a repair must find nothing lost, and
leave no file that nobody needs.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.late_dates import Upstream
from benchmarks.late_world import Killed, Mortality, World, layout_of, plan_of, results
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.upkeep.forgetting import forgotten, record
from jetstream_argo.upkeep.gone import loaded
from jetstream_argo.upkeep.inspecting import Fault, inspect
from jetstream_argo.upkeep.owned import owned, storage, unit_tables
from jetstream_argo.upkeep.repairing import repair
from jetstream_argo.upkeep.restating import clean, commit, prepare
from jetstream_argo.upkeep.shredding import holdings, shred
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START

LAST = START + timedelta(days=8)
GONE = ("u1", "u4")
FORGOTTEN = ("clicks",)
MOST_WRITES = {"run": 40, "delete": 14, "delete --metrics": 2, "shred": 16, "restate": 8, "check --repair": 8}


@dataclass(frozen=True)
class Killing:
    """What came of a command that was killed `kills` times: what is wrong, and how many files are left over."""

    what: str
    kills: int
    faults: tuple[str, ...]
    left_over: int


class Kills:
    """Commands on copies of small worlds; all that they give is compared with those that nothing disturbed.

    The first of them is opened at `now`, if it is given, and others a minute later each.
    """

    def __init__(self, folder: Path, *, now: datetime | None = None) -> None:
        self.folder = folder
        self.now = now
        self.plan = plan_of(LAST)
        self.telemetry = made(folder / "telemetry")
        self.finished = self.copy(self.telemetry.root, "finished")
        self.finished.run(self.plan)
        self.computed = results(self.finished.engine())
        self.shredded = self._after("shred")
        self.restated = self._after("restate")

    def kill(self, what: str, rng: random.Random) -> Killing:
        """Kill a command, and those that go on with it."""
        world = self.start(what, "killed")
        kills = 0
        for _ in range(rng.choice((1, 1, 2, 3))):
            mortality = Mortality(rng.randrange(1, MOST_WRITES[what]), before=rng.random() < 0.3)
            try:
                _COMMANDS[what](world, self.plan, mortality)
            except Killed:
                kills += 1
        _COMMANDS[what](world, self.plan, None)
        if what in GO_ON:
            world.run(self.plan)
        wrong, left = self.judged(what, world)
        return Killing(what, kills, tuple(wrong), left)

    def start(self, what: str, name: str) -> World:
        """Return a copy of the world that a command begins with."""
        world = self.copy((self.telemetry if what == "run" else self.finished).root, name)
        if what == "restate":
            changed(world)
        if what == "check --repair":
            self._damage(world)
        return world

    def judged(self, what: str, world: World) -> tuple[Sequence[str], int]:
        """Return what is wrong after a command that was killed and done again, and how many files are left over."""
        if what == "delete":
            tables = [f"{table.name} is left" for table in world.engine().tables("results")]
            return tables, sum(path.is_file() for path in (world.root / "local" / "results").rglob("*"))
        expected = {"shred": self.shredded, "restate": self.restated}.get(what, self.computed)
        found = everything(world.engine(), self.plan) if what == "shred" else results(world.engine())
        faults = [f"{name} differs" for name in expected if found.get(name) != expected[name]]
        faults += _doubled(world)
        wrong, left = mended(world, self.plan)
        return (*faults, *wrong), left

    def copy(self, root: Path, name: str) -> World:
        """Return a copy of a world, opened later than whoever opened that."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(root, self.folder / name)
        if self.now is not None:
            self.now += timedelta(minutes=1)
        return opened(self.folder / name, self.now)

    def _after(self, what: str) -> dict[str, list[str]]:
        world = self.start(what, "undisturbed")
        _COMMANDS[what](world, self.plan, None)
        if what in GO_ON:
            world.run(self.plan)
            return results(world.engine())
        return everything(world.engine(), self.plan)

    def _damage(self, world: World) -> None:
        """Take a file of values away, and leave rows that nothing counts."""
        engine = world.engine()
        tables = [table.name for table in engine.tables("results", prefix="values_") if not table.is_view]
        for name in tables:
            stray = Sql(f"SELECT v.* REPLACE (7 AS batch) FROM `{name}` AS v")
            engine.query_to_table(stray, name, write=Write.APPEND, labels={})
        folder = world.root / "local" / "results" / tables[0].rpartition(".")[2]
        min(folder.glob("*.parquet")).unlink()


# Commands after which a run computes what is missing or out of date.
GO_ON = ("delete --metrics", "restate", "check --repair")


def opened(root: Path, now: datetime | None = None) -> World:
    """Return the world in a folder; by default later than who opened it before, when telemetry has long settled."""
    world = World(root)
    world.now = now or datetime.now(UTC) + timedelta(days=36_500)
    return world


def made(root: Path) -> World:
    """Make telemetry of eight units."""
    world = World(root)
    rng = random.Random(7)  # no secret
    days = [START + timedelta(days=n) for n in range(9)]
    units = [f"u{number}" for number in range(8)]
    rows = {
        "assignments": {
            START: [(unit, ("control", "treatment")[number % 2]) for number, unit in enumerate(units)],
        },
        "exposures": {START: [(unit,) for unit in units[:5]]},
        "os": {START: [(unit, number % 3 == 0) for number, unit in enumerate(units)]},
        "activity": {day: [(unit, rng.random() * 10, rng.randrange(5)) for unit in units] for day in days},
        "sessions": {day: [(unit, rng.random() * 10) for unit in units] for day in days},
    }
    for name, of_table in rows.items():
        world.write(Upstream(name), of_table, Write.TRUNCATE)
    (root / "plan.json").write_bytes(codec.dump(plan_of(LAST)))
    return world


def changed(world: World) -> None:
    """Delete a unit upstream, and give others twice as many clicks."""
    engine = EmbeddedEngine(world.root)
    for name, unit in (("assignments", "unit"), ("activity", "client_id")):
        table = f"telemetry.{name}"
        columns = "t.*" if name == "assignments" else "t.* REPLACE (2 * t.clicks AS clicks)"
        sql = Sql(f"SELECT {columns} FROM `{table}` AS t WHERE t.{unit} != 'u2'")
        engine.query_to_table(sql, table, write=Write.TRUNCATE, labels={}, layout=layout_of(name))


def everything(engine: EmbeddedEngine, plan: AnalysisPlan) -> dict[str, list[str]]:
    """Return the rows of every table with units, and what readers see."""
    names = [table.name for table in unit_tables(plan, read_entries(engine, plan)) if engine.info(table.name)]
    found = {
        name: sorted(map(repr, engine.query(Sql(f"SELECT t.* FROM `{name}` AS t"), labels={}).rows)) for name in names
    }
    return found | results(engine)


def mended(world: World, plan: AnalysisPlan) -> tuple[Sequence[str], int]:
    """Return what is missing or damaged, what a repair leaves wrong, and how many files it leaves that nobody needs."""
    engine = world.engine()
    wrong = [finding for finding in inspect(engine, plan).findings if finding.fault is not Fault.LEFT_OVER]
    repair(engine, plan, now=world.tick, attempt=world.attempt())
    wrong += inspect(engine, plan).findings
    return [f"{fault.fault}: {fault.table} {fault.message}" for fault in wrong], len(unnamed_files(world, plan))


def unnamed_files(world: World, plan: AnalysisPlan) -> list[Path]:
    """Return the files of an experiment that no pointer names."""
    engine = world.engine()
    found = []
    for table in storage(engine, plan, read_entries(engine, plan)):
        folder = world.root.joinpath("local", *table.split("."))
        pointer = folder / "current.json"
        named = {".lock", "current.json"}
        if pointer.exists():
            named |= {file[0] for file in json.loads(pointer.read_text())["table"]["files"]}
        found += [path for path in folder.glob("*") if path.name not in named]
    return found


def _doubled(world: World) -> Iterator[str]:
    """Yield which rows are more than once in what readers see."""
    for view, rows in results(world.engine()).items():
        if len(set(rows)) != len(rows):
            yield f"{view} holds rows twice"


def _run(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    world.run(plan, mortality=mortality)


def _delete(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    entries = read_entries(engine, plan)
    for info in owned(engine, plan, entries).tables:
        engine.delete(info.name)
    engine.purge(storage(engine, plan, entries))


def _forget(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    entries = forgotten(plan, FORGOTTEN, read_entries(engine, plan), now=world.tick(), attempt=world.attempt())
    if entries:
        record(engine, plan, entries)


def _shred(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    entries = read_entries(engine, plan)
    attempt = world.attempt()
    with loaded(engine, plan, GONE, attempt=attempt) as gone:
        found = holdings(engine, plan, entries, gone)
        for _ in shred(engine, plan, found, gone, now=world.tick, attempt=attempt):
            pass
    engine.purge([table.name for table in unit_tables(plan, entries)])


def _restate(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    ledger = read_ledger(plan, engine)
    context = Context(plan, codec.sha256(plan), "restate", engine, world.attempt(), world.tick, ledger=ledger)
    commit(context, prepare(context, "activity", START, LAST, carry=True))
    clean(context, "activity")


def _repair(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    repair(world.engine(mortality), plan, now=world.tick, attempt=world.attempt())


_COMMANDS: Mapping[str, Callable[[World, AnalysisPlan, Mortality | None], None]] = {
    "run": _run,
    "delete": _delete,
    "delete --metrics": _forget,
    "shred": _shred,
    "restate": _restate,
    "check --repair": _repair,
}
COMMANDS: Sequence[str] = tuple(_COMMANDS)
