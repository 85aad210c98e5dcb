"""The entrypoint of a pod: one node of one plan."""

import logging
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from jetstream_argo.argo.manifest.transport import from_environment
from jetstream_argo.argo.pod import Pod, PodResult, pod
from jetstream_argo.cli.holding import holder, task_wait_option
from jetstream_argo.cli.options import chosen, deadline_option, warehouse_option
from jetstream_argo.dag.build import build_dag
from jetstream_argo.errors import EXIT_RETRY, JetstreamArgoError, UnknownReference
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.leasing import writing
from jetstream_argo.run.nodes import TaskResult, run_node
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.bigquery.client_import import load_client
from jetstream_argo.warehouse.connect import Connections, connect, new_attempt
from jetstream_argo.warehouse.termination import ending_on_sigterm

logger = logging.getLogger(__name__)


@click.command(
    epilog="Example: jetstream-argo task --plan plan.json --node week-orders --warehouse embedded:.jetstream"
)
@click.option("--plan", "plan_file", metavar="FILE", help="The plan; without it, the environment leads to it.")
@click.option("--node", "node_id", required=True, metavar="ID", help="The node to do, as `graph` lists them.")
@warehouse_option
@click.option("--metrics", envvar="JETSTREAM_METRICS", default="", help="Do only what these need; comma-separated.")
@click.option(
    "--export-to", envvar="JETSTREAM_EXPORT", default="", help="Folder for JSON files and the page, or gs://BUCKET."
)
@click.option(
    "--page", envvar="JETSTREAM_PAGE", default="", help="A file for the result page, written when publishing."
)
@click.option(
    "--graph-failed/--graph-succeeded",
    envvar="JETSTREAM_GRAPH_FAILED",
    help="With the node that publishes: end with 2, and say which metrics failed and why.",
)
@click.option(
    "--notify",
    envvar="JETSTREAM_NOTIFY",
    default="",
    metavar="URL",
    help="With the node that publishes: a webhook to tell of results, failures, alarms, changes and delays.",
)
@deadline_option("Hours after a day's end from which it is news that its telemetry is not there.")
@click.option(
    "--pause",
    type=click.FloatRange(0),
    default=0.0,
    envvar="JETSTREAM_PAUSE",
    metavar="SECONDS",
    help="How long to wait before ending with 75.",
)
@task_wait_option
def task(plan_file: str | None, pause: float, wait_seconds: float, **options: Any) -> int:
    """Do one node of a plan. What is done already is recognised and skipped."""
    this_pod = pod(os.environ)
    asked = _Asked(**options)
    since = time.monotonic()
    try:
        with ending_on_sigterm():
            plan = _plan(plan_file)
            facts = {"experiment": plan.experiment.slug, "as_of": str(plan.as_of), "node": asked.node_id}
            logger.info("began", extra=facts)
            result = _done(plan, asked, wait_seconds=wait_seconds)
    except JetstreamArgoError as error:
        this_pod.say(str(error))
        failed = {"exit_code": error.exit_code, "reason": str(error), "seconds": round(time.monotonic() - since, 3)}
        logger.info("failed", extra={"node": asked.node_id, **failed})
        _paused(error.exit_code, pause)
        raise
    _tell(this_pod, result)
    logger.info("ended", extra={**facts, **_facts(result), "seconds": round(time.monotonic() - since, 3)})
    _paused(result.exit_code, pause)
    return result.exit_code


def _facts(result: TaskResult) -> dict[str, object]:
    failed = {name: str(error) for name, error in result.failed}
    counts = {"done": result.done, "skipped": result.skipped, "failed_metrics": failed}
    return {"exit_code": result.exit_code, "idle": result.idle, "result": result.line, **counts}


def _paused(exit_code: int, seconds: float) -> None:
    """Wait where another attempt may help: Argo's first wait is short."""
    if exit_code == EXIT_RETRY:
        time.sleep(seconds)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a node is asked for: `export_to` is the folder of the exports, `page` the file of the page."""

    node_id: str
    warehouse: str
    metrics: str
    export_to: str
    page: str
    graph_failed: bool
    notify: str
    deadline: float


def _done(plan: AnalysisPlan, asked: _Asked, *, wait_seconds: float) -> TaskResult:
    dag = build_dag(plan)
    nodes = {node.id: node for node in (*dag.nodes, dag.last)}
    if asked.node_id not in nodes:
        raise UnknownReference("node", asked.node_id, known=nodes, used_by=f"the plan of {plan.experiment.slug}")
    attempt = new_attempt()
    sha256 = codec.sha256(plan)
    if asked.warehouse.startswith("bigquery:"):
        load_client()
    kept = click.get_current_context().find_object(Connections)
    open_engine = connect if kept is None else kept.connect
    engine = open_engine(asked.warehouse, attempt=attempt, job_id_prefix=f"{sha256[:12]}-{asked.node_id}")
    engine.take_over()
    with writing(engine, plan, holder=holder(f"task {asked.node_id}"), wait_seconds=wait_seconds):
        context = Context(
            plan=plan,
            plan_sha256=sha256,
            node=asked.node_id,
            engine=engine,
            attempt=attempt,
            now=lambda: datetime.now(UTC),
            metrics=frozenset(chosen(asked.metrics)),
            export_to=asked.export_to,
            page=asked.page,
            graph_failed=asked.graph_failed,
            notify=asked.notify,
            deadline_hours=asked.deadline,
            ledger=read_ledger(plan, engine),
        )
        return run_node(nodes[asked.node_id], context)


def _plan(file: str | None) -> AnalysisPlan:
    if file == "-":
        return codec.load(sys.stdin.buffer.read(), where="standard input")
    if file:
        return codec.read(Path(file))
    plan = from_environment(os.environ)
    if plan is None:
        raise click.UsageError("no plan: give --plan FILE, or set JETSTREAM_PLAN")
    return plan


def _tell(this_pod: Pod, result: TaskResult) -> None:
    say(result.line)
    failed = tuple((metric, str(error)) for metric, error in result.failed)
    this_pod.say(PodResult(result.done, result.skipped, failed).line if failed else result.line)
