"""How nodes run as processes of one machine, whatever becomes of some of them."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from jetstream_argo.dag.model import Dag, EnrollmentsTask, ExportTask, Node
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY
from jetstream_argo.run.local import DagRun, NodeRun, NodeState, Start, run_dag

PROCESSES = multiprocessing.get_context("forkserver")


def node(id: str, *needs: str) -> Node:
    return Node(id, EnrollmentsTask(), needs, ())


def dag(*nodes: Node) -> Dag:
    return Dag(nodes, Node("export", ExportTask(), tuple(each.id for each in nodes), ()))


#   a ── b ── c
#   d ── e
TWO_CHAINS = dag(node("a"), node("b", "a"), node("c", "b"), node("d"), node("e", "d"))


def act(deed: str, log: Path, name: str, line: Path) -> None:
    """Be a node: note that it ran, then end as told."""
    with log.open("a") as file:
        file.write(f"{name}\n")
    match deed.split():
        case ["say", text]:
            line.write_text(text)
        case ["exit", code]:
            line.write_text(f"failed with {code}")
            os._exit(int(code))
        case ["kill"]:
            os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep", seconds]:
            time.sleep(float(seconds))


def starter(tmp_path: Path, deeds: Mapping[str, str]) -> Start:
    def start(node: Node, line: Path) -> BaseProcess:
        deed = deeds.get(node.id, "say done")
        process = PROCESSES.Process(target=act, args=(deed, tmp_path / "log", node.id, line))
        process.start()
        return process

    return start


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., DagRun]:
    def run(graph: Dag, deeds: Mapping[str, str], *, workers: int = 2, watch: list[NodeRun] | None = None) -> DagRun:
        seen = watch if watch is not None else []
        return run_dag(graph, starter(tmp_path, deeds), workers=workers, scratch=tmp_path, watch=seen.append)

    return run


def states(result: DagRun) -> dict[str, NodeState]:
    return {each.node.id: each.state for each in result.nodes}


def ran(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


def test_every_node_runs_once_and_after_those_that_it_needs(run: Callable[..., DagRun], tmp_path: Path) -> None:
    result = run(TWO_CHAINS, {})

    order = ran(tmp_path)
    assert sorted(order) == ["a", "b", "c", "d", "e", "export"]
    assert order.index("a") < order.index("b") < order.index("c")
    assert order.index("d") < order.index("e")
    assert order[-1] == "export"
    assert result.exit_code == EXIT_DONE
    assert {each.line for each in result.nodes} == {"done"}


def test_a_failure_costs_what_depends_on_it_and_nothing_else(run: Callable[..., DagRun], tmp_path: Path) -> None:
    result = run(TWO_CHAINS, {"b": "exit 2"})

    assert states(result) == {
        "a": NodeState.SUCCEEDED,
        "b": NodeState.FAILED,
        "c": NodeState.OMITTED,
        "d": NodeState.SUCCEEDED,
        "e": NodeState.SUCCEEDED,
        "export": NodeState.SUCCEEDED,
    }
    assert "c" not in ran(tmp_path)
    assert result.exit_code == EXIT_DEFINITION


def test_a_node_that_is_killed_takes_no_other_with_it_and_is_worth_retrying(run: Callable[..., DagRun]) -> None:
    result = run(TWO_CHAINS, {"a": "kill"})

    by_id = {each.node.id: each for each in result.nodes}
    assert by_id["a"].state is NodeState.FAILED
    assert by_id["a"].line == "killed by SIGKILL"
    assert by_id["e"].state is NodeState.SUCCEEDED
    assert result.exit_code == EXIT_RETRY


def test_a_passing_failure_beside_a_lasting_one_is_worth_retrying(run: Callable[..., DagRun]) -> None:
    assert run(TWO_CHAINS, {"a": "exit 2", "d": "exit 75"}).exit_code == EXIT_RETRY


def test_no_more_nodes_run_at_once_than_asked_for(run: Callable[..., DagRun]) -> None:
    events: list[NodeRun] = []

    run(dag(*(node(name) for name in "abcdef")), dict.fromkeys("abcdef", "sleep 0.05"), workers=2, watch=events)

    running = most = 0
    for event in events:
        running += 1 if event.state is NodeState.RUNNING else -1
        most = max(most, running)
    assert most == 2


def test_being_told_to_stop_stops_the_nodes_and_is_passed_on(run: Callable[..., DagRun], tmp_path: Path) -> None:
    def stop_when_running() -> None:
        while not (tmp_path / "log").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_running, daemon=True).start()
    before = time.monotonic()

    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        run(dag(node("a")), {"a": "sleep 60"})

    assert time.monotonic() - before < 30
