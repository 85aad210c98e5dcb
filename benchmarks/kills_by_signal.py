"""Whether commands that SIGKILL ends at some write, with all their processes, go on as if nothing had happened.

The command line runs in a process that was forked from one with everything loaded, which takes no time; so do nodes of
a run, each in a process of its own. All of them count what they are about to write below the warehouse's folder: files
that are opened, renamed or removed, and folders. The count is shared, and whoever comes to the number that was drawn
kills them all.
"""

import multiprocessing
import os
import random
import signal
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.kills import FORGOTTEN, GO_ON, GONE, LAST, Killing, Kills, mended
from benchmarks.late_world import World, results
from jetstream_argo.cli.demo import demo_experiment, make_telemetry
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_RETRY
from jetstream_argo.plan import codec
from tests.worlds.pipeline import START

COMMANDS = ("run", "delete", "delete --metrics", "shred", "restate", "check --repair", "demo")
DEMO_UNITS = 150
DEMO_METRIC = "active_hours"
_WRITES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir")


@dataclass(frozen=True)
class Death:
    """Kills this process and those that it has forked before the write number `at` below `root`."""

    root: str
    counter: Path
    at: int

    def await_(self) -> None:
        """Count writes from now on: https://docs.python.org/3/library/audit_events.html"""
        sys.addaudithook(self._look)

    def _look(self, event: str, arguments: tuple[object, ...]) -> None:
        writes = event in _WRITES
        writes |= event == "open" and isinstance(arguments[1], str) and bool(set(arguments[1]) & set("wax+"))
        if not writes or self.root not in str(arguments[0]):
            return
        counter = os.open(self.counter, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(counter, b".")
        written = os.fstat(counter).st_size
        os.close(counter)
        if written >= self.at:
            os.killpg(0, signal.SIGKILL)


class Signals:
    """Commands of the command line on copies of small worlds; folders are below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kills = Kills(folder, now=datetime.now(UTC) - timedelta(days=1))  # commands look at the clock
        self.writes: dict[str, int] = {}
        self.processes = multiprocessing.get_context("forkserver")
        self.processes.set_forkserver_preload([__name__])
        self.demo_plan, _ = demo_experiment()
        (folder / "demo.json").write_bytes(codec.dump(self.demo_plan))
        self.demo = results(self._undisturbed("demo").engine(), dataset="demo_results")

    def kill(self, what: str, rng: random.Random) -> Killing:
        """Kill a command, and those that go on with it."""
        if what not in self.writes:
            self._undisturbed(what)
        world = self._start(what)
        kills = sum(self._killed(what, world, rng) for _ in range(rng.choice((1, 1, 2, 3))))
        code = self._do(what, world)
        # A deletion that was killed when all was gone finds nothing to delete.
        faults = [f"{what} ended with {code}"] if code and (what, code) != ("delete", EXIT_DEFINITION) else []
        if what == "demo":
            found = results(world.engine(), dataset="demo_results")
            faults += [f"{name} differs" for name in self.demo if found.get(name) != self.demo[name]]
            world.now = datetime.now(UTC)
            wrong, left = mended(world, self.demo_plan)
            return Killing(f"signalled {what}", kills, (*faults, *wrong), left)
        world.now = datetime.now(UTC)
        if what in GO_ON and not world.run(self.kills.plan):
            faults.append("a run afterwards fails")
        wrong, left = self.kills.judged(what, world)
        return Killing(f"signalled {what}", kills, (*faults, *wrong), left)

    def _start(self, what: str) -> World:
        if what == "demo":
            return World(Path(tempfile.mkdtemp(prefix="demo-", dir=self.folder)))
        return self.kills.start(what, "signalled")

    def _undisturbed(self, what: str) -> World:
        """Do a command, and note how often it writes."""
        world = self._start(what)
        counter = self.folder / "counter"
        counter.unlink(missing_ok=True)
        if self._do(what, world):
            raise AssertionError(f"{what} fails by itself")
        self.writes[what] = counter.stat().st_size
        return world

    def _killed(self, what: str, world: World, rng: random.Random) -> bool:
        (self.folder / "counter").unlink(missing_ok=True)
        return self._do(what, world, at=rng.randrange(1, self.writes[what])) == -signal.SIGKILL

    def _do(self, what: str, world: World, *, at: int = sys.maxsize) -> int:
        """Do a command and return how it ended: by itself, or by a kill at the write number `at`."""
        death = Death(str(world.root), self.folder / "counter", at)
        process = self.processes.Process(target=_command, args=(what, world.root, self.folder / "demo.json", death))
        process.start()
        process.join()
        return process.exitcode or 0


def _command(what: str, root: Path, demo: Path, death: Death) -> None:
    """Do a command in this process, as the command line does."""
    os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    death.await_()
    if what == "run":
        sys.exit(_run(root, root / "plan.json"))
    if what == "demo":
        plan = codec.read(demo)
        make_telemetry(root, plan, demo_experiment()[1], units=DEMO_UNITS, seed=1)
        sys.exit(_run(root, demo, DEMO_METRIC))
    sys.exit(exit_code_of(_arguments(what, root)))


def _run(root: Path, plan: Path, *metrics: str) -> int:
    """Do the nodes of a plan one after another, each in a process of its own; return the largest exit code."""
    forks = multiprocessing.get_context("fork")
    dag = filtered(build_dag(codec.read(plan)), metrics)
    codes: dict[str, int] = {}
    for node in (*dag.nodes, dag.last):
        if node is not dag.last and any(codes[need] for need in node.dependencies):
            codes[node.id] = EXIT_RETRY
            continue
        arguments = ["task", "--node", node.id, "--plan", str(plan), "--warehouse", f"embedded:{root}"]
        process = forks.Process(target=_task, args=([*arguments, "--metrics", ",".join(metrics)],))
        process.start()
        process.join()
        codes[node.id] = process.exitcode or 0
    return max(codes.values())


def _task(arguments: list[str]) -> None:
    sys.exit(exit_code_of(arguments))


def _arguments(what: str, root: Path) -> list[str]:
    place = ["--plan", str(root / "plan.json"), "--warehouse", f"embedded:{root}"]
    match what:
        case "delete":
            return ["delete", *place, "--yes"]
        case "delete --metrics":
            return ["delete", *place, "--metrics", ",".join(FORGOTTEN), "--yes"]
        case "shred":
            return ["shred", *place, "--ids", ",".join(GONE), "--yes"]
        case "restate":
            dates = ["--from", START.isoformat(), "--to", LAST.isoformat()]
            return ["restate", *place, "--source", "activity", *dates, "--yes"]
        case _:
            return ["check", *place, "--repair"]
