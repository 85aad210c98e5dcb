"""Whether what was killed at some write, and done again, is as if nothing had happened.

Runs are killed again and again until they are through; `delete` and `shred` once or twice. Kills are an exception that
nothing catches, before or after a write, or a signal to a process of its own at a random moment.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.late_model import Upstream
from benchmarks.late_world import Killed, Mortality, World, plan_of, results
from jetstream_argo.engines.embedded.engine import EmbeddedEngine
from jetstream_argo.engines.protocol import Write
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.upkeep.owned import owned, unit_tables
from jetstream_argo.upkeep.shredding import holdings, shred
from tests.pipeline import START

LAST = START + timedelta(days=8)
GONE = ("u1", "u4")


@dataclass(frozen=True)
class Killing:
    """What came of a command that was killed `kills` times: what is wrong, and how many files are left over."""

    what: str
    kills: int
    faults: tuple[str, ...]
    left_over: int


class Kills:
    """Commands on copies of a small world; all that they give is compared with those that nothing disturbed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan = plan_of(LAST)
        self.telemetry = _world(folder / "telemetry")
        self.finished = self._copy(self.telemetry.root, "finished")
        self.finished.run(self.plan)
        self.computed = results(self.finished.engine())
        shredded = self._copy(self.finished.root, "shredded")
        _shred(shredded, self.plan, None)
        self.shredded = _everything(shredded.engine(), self.plan)

    def run(self, rng: random.Random) -> Killing:
        """Kill a run, and those that go on with it."""
        world = self._copy(self.telemetry.root, "run")
        kills = _until_done(rng, 30, lambda mortality: world.run(self.plan, mortality=mortality))
        found = results(world.engine())
        faults = [f"{view} differs" for view in self.computed if found.get(view) != self.computed[view]]
        return Killing("run", kills, (*faults, *_doubled(world, self.plan)), _left_over(world, self.plan))

    def delete(self, rng: random.Random) -> Killing:
        """Kill the deletion of everything."""
        world = self._copy(self.finished.root, "delete")
        kills = _until_done(rng, 12, lambda mortality: _delete(world, self.plan, mortality))
        left = world.engine().tables("results")
        return Killing("delete", kills, tuple(f"{each.name} is left" for each in left), _files(world))

    def shred(self, rng: random.Random) -> Killing:
        """Kill the removal of two units."""
        world = self._copy(self.finished.root, "shred")
        kills = _until_done(rng, 14, lambda mortality: _shred(world, self.plan, mortality))
        found = _everything(world.engine(), self.plan)
        faults = tuple(f"{name} differs" for name in self.shredded if found[name] != self.shredded[name])
        return Killing("shred", kills, faults, _left_over(world, self.plan))

    def signalled(self, rng: random.Random) -> Killing:
        """Send SIGKILL to a process that runs, at random moments, until one is through."""
        world = self._copy(self.telemetry.root, "signalled")
        kills = 0
        command = [sys.executable, "-m", "benchmarks.kills", str(world.root)]
        while True:
            process = subprocess.Popen(command)
            deadline = time.monotonic() + rng.uniform(1, 8) * (1.3**kills)  # a machine may be slow
            while process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            if process.poll() is not None:
                break
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
        found = results(world.engine())
        faults = [f"{view} differs" for view in self.computed if found.get(view) != self.computed[view]]
        return Killing("signalled run", kills, (*faults, *_doubled(world, self.plan)), _left_over(world, self.plan))

    def _copy(self, root: Path, name: str) -> World:
        shutil.rmtree(self.folder / name, ignore_errors=True)
        shutil.copytree(root, self.folder / name)
        return _opened(self.folder / name)


def _opened(root: Path) -> World:
    """Return the world in a folder, long after telemetry has settled, and later than whoever opened it before."""
    world = World(root)
    world.now = datetime.now(UTC) + timedelta(days=36_500)
    return world


def _until_done(rng: random.Random, most: int, work: Callable[[Mortality | None], object]) -> int:
    """Do some work, killed at a random write one to three times; then without; return how often it was killed."""
    kills = 0
    for _ in range(rng.choice((1, 1, 2, 3))):
        try:
            work(Mortality(rng.randrange(1, most), before=rng.random() < 0.3))
        except Killed:
            kills += 1
    work(None)
    return kills


def _world(root: Path) -> World:
    world = World(root)
    rng = random.Random(7)  # no secret
    days = [START + timedelta(days=n) for n in range(9)]
    units = [f"u{number}" for number in range(8)]
    rows = {
        "assignments": {
            START: [(unit, ("control", "treatment")[number % 2]) for number, unit in enumerate(units)],
        },
        "exposures": {START: [(unit,) for unit in units[:5]]},
        "activity": {day: [(unit, rng.random() * 10, rng.randrange(5)) for unit in units] for day in days},
    }
    for name, of_table in rows.items():
        world.write(Upstream(name), of_table, Write.TRUNCATE)
    return world


def _delete(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    for info in owned(engine, plan, read_entries(engine, plan)).tables:
        engine.delete(info.name)


def _shred(world: World, plan: AnalysisPlan, mortality: Mortality | None) -> None:
    engine = world.engine(mortality)
    entries = read_entries(engine, plan)
    held = holdings(engine, plan, entries, GONE)
    for _ in shred(engine, plan, held, GONE, now=world.tick, attempt=f"{world.tick():%f}"):
        pass


def _everything(engine: EmbeddedEngine, plan: AnalysisPlan) -> dict[str, list[str]]:
    """Return the rows of every table with units, and what readers see."""
    names = [each.name for each in unit_tables(plan, read_entries(engine, plan)) if engine.info(each.name)]
    found = {
        name: sorted(map(repr, engine.query(Sql(f"SELECT t.* FROM `{name}` AS t"), labels={}).rows)) for name in names
    }
    return found | results(engine)


def _doubled(world: World, plan: AnalysisPlan) -> Iterator[str]:
    """Yield which rows are more than once in what readers see."""
    for view, rows in results(world.engine()).items():
        if len(set(rows)) != len(rows):
            yield f"{view} holds rows twice"


def _left_over(world: World, plan: AnalysisPlan) -> int:
    """Return how many files nobody needs, after the engine has cleared what it can."""
    engine = world.engine()
    found = owned(engine, plan, read_entries(engine, plan))
    return engine.purge([info.name for info in found.tables]).files


def _files(world: World) -> int:
    return sum(path.is_file() for path in (world.root / "local" / "results").rglob("*"))


def main() -> None:
    """Do a run on the folder that is given, as a process of its own."""
    _opened(Path(sys.argv[1])).run(plan_of(LAST))


if __name__ == "__main__":
    main()
