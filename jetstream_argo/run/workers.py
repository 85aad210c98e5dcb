"""Processes that do one node after another, so that what they have loaded is loaded once."""

import gc
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, forkserver, get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType

from jetstream_argo.run.executors import Ended, Work
from jetstream_argo.run.isolating import isolated, leaves_a_clean_process

_PROCESSES = get_context("forkserver")
MOST_BYTES = 1 << 30  # of memory, that a process may keep when a node has ended


def load(modules: Sequence[str]) -> None:
    """Have the server of which processes are forks load these modules, and return at once."""
    _PROCESSES.set_forkserver_preload(list(modules))
    forkserver.ensure_running()


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    node: str = ""  # empty between nodes


class Workers:
    """At most `most` processes, forked from a server that has loaded what `load` names, when they are needed.

    `work` is pickled. A process that dies costs the node that it was at, and another one takes its place. So does
    another one when a node leaves threads behind, or more than `most_bytes` of memory.
    """

    def __init__(self, work: Work, *, most: int, most_bytes: int = MOST_BYTES) -> None:
        self._work = work
        self._most = most
        self._most_bytes = most_bytes
        self._workers: list[_Worker] = []

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def are_busy(self) -> bool:
        """Whether no other node can begin before one has ended."""
        return sum(bool(worker.node) for worker in self._workers) >= self._most

    def begin(self, node: str, line: Path) -> None:
        """Have a process do a node; it writes a line about its work into the file."""
        worker = self._idle()
        worker.node = node
        with suppress(OSError):  # it has just died, which is found when its answer is waited for
            worker.pipe.send((node, line))

    def wait(self) -> list[Ended]:
        """Wait until some node has ended, and return those that have; none if none was begun."""
        at_work = {worker.pipe: worker for worker in self._workers if worker.node}
        ready = connection.wait(list(at_work)) if at_work else []
        return [self._ended(worker) for pipe, worker in at_work.items() if pipe in ready]

    def _idle(self) -> _Worker:
        for worker in [worker for worker in self._workers if not worker.node]:
            if worker.process.is_alive():
                return worker
            self._discard(worker)
        pipe, child_end = _PROCESSES.Pipe()
        arguments = (self._work, child_end, dict(os.environ), self._most_bytes)
        process = _PROCESSES.Process(target=_serve, args=arguments)
        process.start()
        child_end.close()
        self._workers.append(_Worker(process, pipe))
        return self._workers[-1]

    def _ended(self, worker: _Worker) -> Ended:
        node, worker.node = worker.node, ""
        try:
            exit_code, stays = worker.pipe.recv()
        except (EOFError, OSError):
            self._discard(worker)
            return Ended(node, worker.process.exitcode or 0)
        if not stays:
            self._discard(worker)
        return Ended(node, exit_code)

    def _discard(self, worker: _Worker) -> None:
        worker.pipe.close()
        worker.process.join()
        self._workers.remove(worker)

    def _stop(self) -> None:
        """End the processes: those at a node are asked to stop, and all are waited for."""
        for worker in self._workers:
            if worker.node and worker.process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(worker.process.pid, signal.SIGTERM)
            worker.pipe.close()
        for worker in self._workers:
            worker.process.join()
        self._workers.clear()


def _serve(work: Work, pipe: Connection, environment: Mapping[str, str], most_bytes: int) -> None:
    """Do nodes until no more are asked for, or this process is no longer as good as a new one."""
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # what is loaded stays, and need not be looked at after every node
    stays = True
    # Nobody asks for more, nobody waits for an answer, or a person has interrupted this process and who started it.
    with suppress(EOFError, OSError, KeyboardInterrupt):
        while stays:
            node, line = pipe.recv()
            with isolated():
                exit_code = work(node, line)
            stays = leaves_a_clean_process(most_bytes)
            pipe.send((exit_code, stays))
