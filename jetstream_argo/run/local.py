"""Runs a whole workflow on one machine: its nodes after those that they wait for, by whatever executor does them."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from pathlib import Path

from jetstream_argo.dag.model import Dag, Node
from jetstream_argo.dag.order import path_lengths
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY
from jetstream_argo.run.executors import Executor


class NodeState(StrEnum):
    """Where a node is."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    OMITTED = "omitted"  # never started, since a node that it needs failed


@dataclass(frozen=True, slots=True)
class NodeRun:
    """How a node ended. `line` is what it said of its work; `exit_code` is negative for a signal."""

    node: Node
    state: NodeState
    exit_code: int = EXIT_DONE
    seconds: float = 0.0
    line: str = ""


@dataclass(frozen=True, slots=True)
class DagRun:
    """How all nodes ended, in the order of the workflow."""

    nodes: tuple[NodeRun, ...]

    @property
    def exit_code(self) -> int:
        """0 when all succeeded; 75 when a retry may do more, and 2 when only a changed definition will."""
        failed = [run for run in self.nodes if run.state is NodeState.FAILED]
        if not failed:
            return EXIT_DONE
        return EXIT_DEFINITION if all(run.exit_code == EXIT_DEFINITION for run in failed) else EXIT_RETRY


Watch = Callable[[NodeRun], None]


@dataclass(frozen=True, slots=True)
class _Running:
    node: Node
    line: Path
    since: float


def run_dag(dag: Dag, executor: Executor, *, scratch: Path, watch: Watch) -> DagRun:
    """Run every node after those that it needs, and the last one whatever became of them.

    Of nodes that can start, the one at the head of the longest path goes first. A node that fails costs those that
    need it, and no other. `watch` is told whenever a node starts or ends. When this process is interrupted or
    terminated, the executor ends, and with it the nodes.
    """
    ended: dict[str, NodeRun] = {}
    running: dict[str, _Running] = {}
    order = TopologicalSorter({node.id: node.dependencies for node in dag.nodes})
    order.prepare()
    lengths = path_lengths(dag)
    ready: list[Node] = []
    with _interrupted_by_sigterm(), executor:
        while order.is_active():
            ready += [dag.node(id) for id in order.get_ready()]
            ready.sort(key=lambda node: (-lengths[node.id], dag.nodes.index(node)))
            for node in _startable(ready, ended, watch, order):
                if executor.are_busy:
                    break
                ready.remove(node)
                _begin(node, executor, scratch, running, watch)
            for run in _wait(executor, running):
                ended[run.node.id] = run
                watch(run)
                order.done(run.node.id)
        if dag.nodes:
            _begin(dag.last, executor, scratch, running, watch)
            for run in _wait(executor, running):
                ended[run.node.id] = run
                watch(run)
    return DagRun(tuple(ended[node.id] for node in (*dag.nodes, dag.last) if node.id in ended))


def _startable(
    ready: list[Node], ended: dict[str, NodeRun], watch: Watch, order: "TopologicalSorter[str]"
) -> list[Node]:
    """Return the nodes that can start; those that needed a failed one are ended here."""
    for node in list(ready):
        if any(ended[dependency].state is not NodeState.SUCCEEDED for dependency in node.dependencies):
            ready.remove(node)
            ended[node.id] = NodeRun(node, NodeState.OMITTED)
            watch(ended[node.id])
            order.done(node.id)
    return list(ready)


def _begin(node: Node, executor: Executor, scratch: Path, running: dict[str, _Running], watch: Watch) -> None:
    line = scratch / f"{node.id}.line"
    line.unlink(missing_ok=True)
    running[node.id] = _Running(node, line, time.monotonic())
    watch(NodeRun(node, NodeState.RUNNING))
    executor.begin(node.id, line)


def _wait(executor: Executor, running: dict[str, _Running]) -> Iterator[NodeRun]:
    """Wait until some node ends, and yield those that have."""
    for ended in executor.wait():
        begun = running.pop(ended.node)
        state = NodeState.FAILED if ended.exit_code else NodeState.SUCCEEDED
        seconds = time.monotonic() - begun.since
        yield NodeRun(begun.node, state, ended.exit_code, seconds, _outcome_line(begun.line, ended.exit_code))


def _outcome_line(line: Path, code: int) -> str:
    if line.exists():
        return line.read_text(encoding="utf-8").strip()
    return f"killed by {signal.Signals(-code).name}" if code < 0 else ""


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """Take being told to stop for an interrupt, where that is told to this thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(signum: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(signum).name)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
