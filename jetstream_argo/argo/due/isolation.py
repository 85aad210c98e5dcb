"""Runs pieces of work in parallel, each in a process of its own with a limit on time and memory."""

import multiprocessing
import resource
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar, cast

from jetstream_argo.errors import unforeseen

Item = TypeVar("Item")
Result = TypeVar("Result")

_MIB = 1024 * 1024
_PRELOADED = [
    "jetstream_argo.argo.due.planning",
    "jetstream_argo.argo.manifest.emit",
    "jetstream_argo.argo.due.isolation",
    "jetstream_argo.plan.planner",
    "sqlglot",
]


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one process may take: seconds by the clock, and MiB of memory beyond what it starts with."""

    seconds: float = 120.0
    memory_mib: int = 768


@dataclass(frozen=True, slots=True)
class Died:
    """A piece of work without a result; `reason` goes on from 'the experiment …'."""

    reason: str


Outcome: TypeAlias = "Result | Died"


@dataclass(slots=True)
class _IsolatedProcess(Generic[Item]):
    """A process at work."""

    index: int
    process: BaseProcess
    answer: Connection
    ends_at: float


def each_alone(
    work: Callable[[Item], Result], items: Sequence[Item], *, jobs: int, allowance: Allowance
) -> Iterator[tuple[Item, Result | Died]]:
    """Yield each item with what `work` returns for it, in the order of the items, `jobs` of them done at a time.

    The work is done in forks of a server that has everything loaded. It can be pickled, and so can its results.
    Whatever becomes of one process, the others go on.
    """
    finished: dict[int, Result | Died] = {}
    waiting = list(range(len(items)))[::-1]
    running: list[_IsolatedProcess[Item]] = []
    given = 0
    try:
        while given < len(items):
            while waiting and len(running) < jobs:
                index = waiting.pop()
                running.append(_started(work, items[index], index, allowance))
            for ended in _ended(running):
                finished[ended.index] = _outcome(ended, allowance)
                running.remove(ended)
            while given in finished:
                yield items[given], finished.pop(given)
                given += 1
    finally:
        for left in running:
            left.process.kill()


def _started(work: Callable[[Item], Result], item: Item, index: int, allowance: Allowance) -> _IsolatedProcess[Item]:
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(_PRELOADED)
    answer, hand = processes.Pipe(duplex=False)
    process = processes.Process(target=_child, args=(partial(work, item), hand, allowance), daemon=True)
    process.start()
    hand.close()
    return _IsolatedProcess(index, process, answer, time.monotonic() + allowance.seconds)


def _ended(running: Sequence[_IsolatedProcess[Item]]) -> list[_IsolatedProcess[Item]]:
    """Return those that have answered, died or used up their time; wait until there is one."""
    soonest = min(process.ends_at for process in running)
    ready = wait([process.answer for process in running], timeout=max(soonest - time.monotonic(), 0))
    now = time.monotonic()
    return [process for process in running if process.answer in ready or process.ends_at <= now]


def _outcome(ended: _IsolatedProcess[Item], allowance: Allowance) -> "Result | Died":
    """Return the answer of a process, which is over then, or why there is none."""
    if not ended.answer.poll():
        ended.process.kill()
        ended.process.join()
        return Died(f"was not planned within {allowance.seconds:g} seconds, and was stopped; make its files smaller")
    try:
        outcome = cast("Result | Died", ended.answer.recv())
    except (EOFError, OSError):
        ended.process.join()
        return Died(f"was not planned: its process {_how_it_ended(ended.process.exitcode)}; make its files smaller")
    finally:
        ended.answer.close()
    ended.process.join(timeout=allowance.seconds)
    ended.process.kill()
    return outcome


def _how_it_ended(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by signal {-code} ({signal.Signals(-code).name})"
    return f"ended with exit code {code}"


def _child(work: Callable[[], object], hand: Connection, allowance: Allowance) -> None:
    """Do the work in this process and hand over what came of it."""
    _limit(allowance)
    try:
        outcome = work()
    except MemoryError:
        outcome = Died(f"takes more than {allowance.memory_mib} MiB of memory; make its files smaller")
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this piece's, and told by the parent
        outcome = Died(f"was not planned: {unforeseen(error)}")
    hand.send(outcome)


def _limit(allowance: Allowance) -> None:
    """Bound what this process takes, should its parent be gone too; no dump is written should it crash."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    seconds = ceil(allowance.seconds)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or seconds < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, hard))
    pages = Path("/proc/self/statm")
    if not pages.exists():
        return  # not Linux: the limit of time is left
    size = int(pages.read_text().split()[0]) * resource.getpagesize() + allowance.memory_mib * _MIB
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
