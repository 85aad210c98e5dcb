"""How nodes run as processes of one machine, whatever becomes of some of them."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from jetstream_argo.dag.model import Dag, EnrollmentsTask, ExportTask, Node
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY
from jetstream_argo.run.executors import InThisProcess
from jetstream_argo.run.local import DagRun, NodeRun, NodeState, run_dag
from jetstream_argo.run.workers import MOST_BYTES, Workers


def node(id: str, *needs: str) -> Node:
    return Node(id, EnrollmentsTask(), needs, ())


def dag(*nodes: Node) -> Dag:
    return Dag(nodes, Node("export", ExportTask(), tuple(node.id for node in nodes), ()))


#   a ── b ── c
#   d ── e
TWO_CHAINS = dag(node("a"), node("b", "a"), node("c", "b"), node("d"), node("e", "d"))
WHERE_B_FAILS = {
    "a": NodeState.SUCCEEDED,
    "b": NodeState.FAILED,
    "c": NodeState.OMITTED,
    "d": NodeState.SUCCEEDED,
    "e": NodeState.SUCCEEDED,
    "export": NodeState.SUCCEEDED,
}


def act(deeds: Mapping[str, str], log: Path, name: str, line: Path) -> int:
    """Be a node: note that it ran, and where; then end as told."""
    with log.open("a") as file:
        file.write(f"{name}\n")
    (log.parent / f"{name}.pid").write_text(str(os.getpid()))
    line.write_text("done")
    match deeds.get(name, "").split():
        case ["exit", code]:
            line.write_text(f"failed with {code}")
            return int(code)
        case ["end", code]:
            os._exit(int(code))
        case ["kill"]:
            line.unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        case ["sleep"]:
            time.sleep(60)
            line.write_text("slept")
        case ["stray"]:
            os.environ["STRAY"] = name
            os.chdir("/")
            logging.getLogger().addHandler(logging.NullHandler())
        case ["look"]:
            line.write_text(f"{os.environ.get('STRAY')} {Path.cwd()} {len(logging.getLogger().handlers)}")
        case ["thread"]:
            threading.Thread(target=threading.Event().wait, daemon=True).start()
    return EXIT_DONE


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., DagRun]:
    def run(
        graph: Dag,
        deeds: Mapping[str, str],
        *,
        workers: int = 2,
        watch: list[NodeRun] | None = None,
        most_bytes: int = MOST_BYTES,
    ) -> DagRun:
        seen = watch if watch is not None else []
        processes = Workers(partial(act, deeds, tmp_path / "log"), most=workers, most_bytes=most_bytes)
        return run_dag(graph, processes, scratch=tmp_path, watch=seen.append)

    return run


def test_a_notebook_does_nodes_by_itself_whichever_thread_it_is_in(tmp_path: Path) -> None:
    done: list[str] = []

    def work(name: str, line: Path) -> int:
        done.append(name)
        line.write_text(f"{name} is done")
        return EXIT_DEFINITION if name == "b" else EXIT_DONE

    with ThreadPoolExecutor(1) as thread:
        call = partial(run_dag, TWO_CHAINS, InThisProcess(work), scratch=tmp_path, watch=lambda _: None)
        result = thread.submit(call).result()

    assert states(result) == WHERE_B_FAILS
    assert sorted(done) == ["a", "b", "d", "e", "export"]
    assert done[-1] == "export"
    assert {run.line for run in result.nodes if run.state is NodeState.SUCCEEDED} >= {"a is done", "export is done"}


def states(result: DagRun) -> dict[str, NodeState]:
    return {node.node.id: node.state for node in result.nodes}


def ran(tmp_path: Path) -> list[str]:
    return (tmp_path / "log").read_text().split()


def pid(tmp_path: Path, name: str) -> str:
    return (tmp_path / f"{name}.pid").read_text()


def test_every_node_runs_once_and_after_those_that_it_needs(run: Callable[..., DagRun], tmp_path: Path) -> None:
    result = run(TWO_CHAINS, {})

    order = ran(tmp_path)
    assert sorted(order) == ["a", "b", "c", "d", "e", "export"]
    assert order.index("a") < order.index("b") < order.index("c")
    assert order.index("d") < order.index("e")
    assert order[-1] == "export"
    assert result.exit_code == EXIT_DONE
    assert {node.line for node in result.nodes} == {"done"}


def test_a_failure_costs_what_depends_on_it_and_nothing_else(run: Callable[..., DagRun], tmp_path: Path) -> None:
    result = run(TWO_CHAINS, {"b": "exit 2"})

    assert states(result) == WHERE_B_FAILS
    assert "c" not in ran(tmp_path)
    assert result.exit_code == EXIT_DEFINITION


def test_a_node_that_is_killed_takes_no_other_with_it_and_is_worth_retrying(run: Callable[..., DagRun]) -> None:
    result = run(TWO_CHAINS, {"a": "kill"})

    by_id = {node.node.id: node for node in result.nodes}
    assert by_id["a"].state is NodeState.FAILED
    assert by_id["a"].line == "killed by SIGKILL"
    assert by_id["e"].state is NodeState.SUCCEEDED
    assert result.exit_code == EXIT_RETRY


def test_a_passing_failure_beside_a_lasting_one_is_worth_retrying(run: Callable[..., DagRun]) -> None:
    assert run(TWO_CHAINS, {"a": "exit 2", "d": "exit 75"}).exit_code == EXIT_RETRY


def test_no_more_nodes_run_at_once_than_asked_for(run: Callable[..., DagRun]) -> None:
    events: list[NodeRun] = []

    run(dag(*(node(name) for name in "abcdef")), {}, workers=2, watch=events)

    running = most = 0
    for event in events:
        running += 1 if event.state is NodeState.RUNNING else -1
        most = max(most, running)
    assert most == 2


def test_being_told_to_stop_stops_the_nodes_and_is_passed_on(run: Callable[..., DagRun], tmp_path: Path) -> None:
    line = tmp_path / "a.line"  # which says "done" before the node sleeps

    def stop_when_asleep() -> None:
        while not (line.exists() and line.read_text() == "done"):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_when_asleep, daemon=True).start()

    with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
        run(dag(node("a")), {"a": "sleep"})

    assert line.read_text() == "done"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid(tmp_path, "a")), 0)


def test_a_process_does_one_node_after_another(run: Callable[..., DagRun], tmp_path: Path) -> None:
    run(dag(node("a"), node("b", "a"), node("c", "b")), {"b": "exit 2"}, workers=1)

    assert pid(tmp_path, "a") == pid(tmp_path, "b") == pid(tmp_path, "export")


@pytest.mark.parametrize("deed", ["kill", "end 75", "thread"])
def test_a_process_that_dies_or_is_not_clean_any_more_is_replaced(
    deed: str, run: Callable[..., DagRun], tmp_path: Path
) -> None:
    result = run(dag(node("a"), node("b")), {"a": deed}, workers=1)

    assert pid(tmp_path, "a") != pid(tmp_path, "b") == pid(tmp_path, "export")
    assert states(result)["b"] is NodeState.SUCCEEDED
    assert states(result)["a"] is (NodeState.SUCCEEDED if deed == "thread" else NodeState.FAILED)


def test_a_process_that_keeps_too_much_memory_is_replaced_between_nodes(
    run: Callable[..., DagRun], tmp_path: Path
) -> None:
    result = run(dag(node("a"), node("b")), {}, workers=1, most_bytes=1)

    assert len({pid(tmp_path, name) for name in ("a", "b", "export")}) == 3
    assert result.exit_code == EXIT_DONE


def test_a_node_finds_the_process_as_if_no_other_had_been_there(
    run: Callable[..., DagRun], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    result = run(dag(node("a"), node("b", "a")), {"a": "stray", "b": "look"}, workers=1)

    assert pid(tmp_path, "a") == pid(tmp_path, "b")
    assert [node.line for node in result.nodes if node.node.id == "b"] == [f"None {tmp_path} 0"]


def test_nodes_find_the_environment_of_who_started_the_run(
    run: Callable[..., DagRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STRAY", "first")
    first = run(dag(node("a")), {"a": "look"})
    monkeypatch.setenv("STRAY", "second")
    second = run(dag(node("a")), {"a": "look"})

    assert [result.nodes[0].line.split()[0] for result in (first, second)] == ["first", "second"]


def test_the_node_at_the_head_of_the_longest_path_goes_first(run: Callable[..., DagRun], tmp_path: Path) -> None:
    run(dag(node("short"), node("long"), node("longer", "long"), node("longest", "longer")), {}, workers=1)

    assert ran(tmp_path) == ["long", "longer", "short", "longest", "export"]
