"""Runs a workflow in this very process, a node after the other: in a notebook no other process can be started.

A forked or spawned process would run the notebook's script again. The nodes are those of a pod, and so are the results.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from jetstream_argo.cli.holding import holder
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.dag.model import Node
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.executors import InThisProcess
from jetstream_argo.run.leasing import writing
from jetstream_argo.run.local import NodeRun, NodeState, run_dag
from jetstream_argo.run.nodes import run_node
from jetstream_argo.run.rerun import idle
from jetstream_argo.warehouse.connect import connect, new_attempt
from jetstream_argo.warehouse.protocol import Engine


@dataclass(frozen=True, slots=True)
class Failed:
    """Something that was not computed: the node, the metric if it is only one, and why."""

    node: str
    metric: str
    reason: str

    def __str__(self) -> str:
        return f"{self.metric or self.node}: {self.reason}"


def run_in_process(
    plan: AnalysisPlan, warehouse: str, metrics: Sequence[str] = (), *, watch: Callable[[str], None]
) -> tuple[Failed, ...]:
    """Compute what is due and not there yet; `watch` is called at the end of each node. Return what failed.

    What needs something that failed is left out, as in a workflow.
    """
    dag = filtered(build_dag(plan), metrics)
    sha256 = codec.sha256(plan)
    attempt = new_attempt()
    engine = connect(warehouse, attempt=attempt, job_id_prefix=f"{sha256[:12]}-notebook")
    if not dag.nodes or idle(plan, dag, engine, now=_now, metrics=metrics):
        return ()
    failed: list[Failed] = []
    nodes = {node.id: node for node in (*dag.nodes, dag.last)}

    def work(id: str, line: Path) -> int:
        own = _for_node(engine, warehouse, attempt, sha256, nodes[id])
        context = Context(plan, sha256, id, own, attempt, _now, metrics=frozenset(metrics), ledger=ledger)
        try:
            result = run_node(nodes[id], context)
        except JetstreamArgoError as error:
            failed.append(Failed(id, "", str(error)))
            line.write_text(str(error), encoding="utf-8")
            return error.exit_code
        failed.extend(Failed(id, metric, str(error)) for metric, error in result.failed)
        line.write_text(result.line, encoding="utf-8")
        return result.exit_code

    def ended(run: NodeRun) -> None:
        if run.state in (NodeState.SUCCEEDED, NodeState.FAILED):
            watch(f"{run.node.id}: {run.line}")

    with (
        writing(engine, plan, holder=holder("a notebook"), wait_seconds=60.0),
        tempfile.TemporaryDirectory(prefix="jetstream-argo-") as scratch,
    ):
        ledger = read_ledger(plan, engine)
        run_dag(dag, InThisProcess(work), scratch=Path(scratch), watch=ended)
    return tuple(failed)


def _for_node(engine: Engine, warehouse: str, attempt: str, sha256: str, node: Node) -> Engine:
    """Return the engine of a node: on BigQuery each has job ids of its own."""
    if warehouse.startswith("embedded:"):
        return engine
    return connect(warehouse, attempt=attempt, job_id_prefix=f"{sha256[:12]}-{node.id}")


def _now() -> datetime:
    return datetime.now(UTC)
