"""Charges work with processor time and memory, in a process of its own or in one that stays. Linux only."""

import json
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from jetstream_argo.cli.local_run import PRELOADED, LocalRun, Tasks, load_for_nodes, tasks_of
from jetstream_argo.run.workers import Workers

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a piece of work used: processor seconds, the most memory that its process had meanwhile, what it says."""

    seconds: float
    mib: float
    line: str


def charged(work: Callable[[Path, str], str], warehouse: Path, argument: str) -> Cost:
    """Do some work in a process of its own; return what it cost there."""
    with _SPAWN.Pool(1) as pool:
        return pool.apply(_measured, (work, warehouse, argument))


def _measured(work: Callable[[Path, str], str], warehouse: Path, argument: str) -> Cost:
    for module in PRELOADED:  # as the workers of a run have it
        import_module(module)
    forget_peak()
    started = time.process_time()
    line = work(warehouse, argument)
    return Cost(time.process_time() - started, peak_mib(), line)


class WarmWorker:
    """The process that a run with one worker does its nodes in. To be used as a context, in which it ends.

    What it does between nodes, such as freeing memory, adds up in `between`. A run has another process in its place
    where it has kept too much memory, and so has this.
    """

    def __init__(self, local_run: LocalRun) -> None:
        self.between = 0.0
        self._folder = TemporaryDirectory(prefix="pipeline-")
        self._scratch = Path(self._folder.name)
        load_for_nodes()
        self._workers = Workers(_Charged(tasks_of(local_run, self._scratch / "plan.json")), most=1)
        self._ended: tuple[int, float] = (0, 0.0)  # the process, and its time when it had done the last node

    def __enter__(self) -> "WarmWorker":
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.__exit__(None, None, None)
        self._folder.cleanup()

    def charged(self, node: str) -> Cost:
        """Do a node; return what it cost.

        Raises:
            SystemExit: the node failed.
        """
        line = self._scratch / f"{node}.line"
        self._workers.begin(node, line)
        (ended,) = self._workers.wait()
        if ended.exit_code:
            raise SystemExit(f"{node} ends with {ended.exit_code}: {line.read_text() if line.exists() else ''}")
        found = json.loads(line.with_suffix(".cost").read_text())
        process, at = self._ended
        if found["process"] == process:
            self.between += found["began"] - at
        self._ended = (found["process"], found["ended"])
        return Cost(found["ended"] - found["began"], found["mib"], line.read_text())


@dataclass(frozen=True, slots=True)
class _Charged:
    """Does nodes as a run's worker does, and writes what each cost beside what it says."""

    tasks: Tasks

    def __call__(self, node: str, line: Path) -> int:
        forget_peak()
        began = time.process_time()
        exit_code = self.tasks(node, line)
        ended = time.process_time()
        found = {"process": os.getpid(), "began": began, "ended": ended, "mib": peak_mib()}
        line.with_suffix(".cost").write_text(json.dumps(found))
        return exit_code


def forget_peak() -> None:
    """Have the most memory of this process be what it has now."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_mib() -> float:
    """Return the most memory that this process had since its peak was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
