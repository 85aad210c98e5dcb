"""How a whole workflow runs on one machine: each node in a process of its own, as many at once as asked for."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from graphlib import TopologicalSorter
from multiprocessing import connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from jetstream_argo.dag.model import Dag, Node
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY


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


# Starts a node's process; the node writes a line about its work into the file.
Start = Callable[[Node, Path], BaseProcess]
Watch = Callable[[NodeRun], None]


@dataclass(frozen=True, slots=True)
class _Running:
    node: Node
    process: BaseProcess
    line: Path
    since: float


def run_dag(dag: Dag, start: Start, *, workers: int, scratch: Path, watch: Watch) -> DagRun:
    """Run every node after those that it needs, and the last one whatever became of them.

    A node that fails costs those that need it, and no other. `watch` is told whenever a node starts or ends. When
    this process is interrupted or terminated, the nodes' processes are asked to stop, and waited for.
    """
    ended: dict[str, NodeRun] = {}
    running: dict[int, _Running] = {}
    order = TopologicalSorter({node.id: node.needs for node in dag.nodes})
    order.prepare()
    ready: list[Node] = []
    with _stopping(running):
        while order.is_active():
            ready += sorted((dag.node(id) for id in order.get_ready()), key=dag.nodes.index)
            for node in _startable(ready, ended, watch, order):
                if len(running) >= workers:
                    break
                ready.remove(node)
                _begin(node, start, scratch, running, watch)
            for each in _wait(running):
                ended[each.node.id] = each
                watch(each)
                order.done(each.node.id)
        if dag.nodes:
            _begin(dag.last, start, scratch, running, watch)
            for each in _wait(running):
                ended[each.node.id] = each
                watch(each)
    return DagRun(tuple(ended[node.id] for node in (*dag.nodes, dag.last) if node.id in ended))


def _startable(
    ready: list[Node], ended: dict[str, NodeRun], watch: Watch, order: "TopologicalSorter[str]"
) -> list[Node]:
    """Return the nodes that can start; those that needed a failed one are ended here."""
    for node in list(ready):
        if any(ended[need].state is not NodeState.SUCCEEDED for need in node.needs):
            ready.remove(node)
            ended[node.id] = NodeRun(node, NodeState.OMITTED)
            watch(ended[node.id])
            order.done(node.id)
    return list(ready)


def _begin(node: Node, start: Start, scratch: Path, running: dict[int, _Running], watch: Watch) -> None:
    line = scratch / f"{node.id}.line"
    line.unlink(missing_ok=True)
    process = start(node, line)
    running[process.sentinel] = _Running(node, process, line, time.monotonic())
    watch(NodeRun(node, NodeState.RUNNING))


def _wait(running: dict[int, _Running]) -> Iterator[NodeRun]:
    """Wait until some process ends, and yield those that have."""
    if not running:
        return
    for sentinel in connection.wait(list(running)):
        assert isinstance(sentinel, int)
        each = running.pop(sentinel)
        each.process.join()
        code = each.process.exitcode or 0
        state = NodeState.FAILED if code else NodeState.SUCCEEDED
        yield NodeRun(each.node, state, code, time.monotonic() - each.since, _said(each.line, code))


def _said(line: Path, code: int) -> str:
    if line.exists():
        return line.read_text(encoding="utf-8").strip()
    return f"killed by {signal.Signals(-code).name}" if code < 0 else ""


@contextmanager
def _stopping(running: Mapping[int, _Running]) -> Iterator[None]:
    """Stop the nodes' processes when this one is told to stop."""

    def stop(signum: int, _: object) -> None:
        raise KeyboardInterrupt(signal.Signals(signum).name)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except BaseException:
        for each in running.values():
            if each.process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(each.process.pid, signal.SIGTERM)
        for each in running.values():
            each.process.join()
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
