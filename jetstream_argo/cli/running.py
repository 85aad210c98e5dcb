"""Running a whole workflow on this machine."""

import os
import tempfile
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from jetstream_argo.argo.pod import TERMINATION_LOG
from jetstream_argo.cli.checking import stops
from jetstream_argo.cli.planning import planned_from, planning_options
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.dag.model import Dag, ExportTask
from jetstream_argo.engines.connect import Connections, check
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.extras import require
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.local import DagRun, run_dag
from jetstream_argo.terminal.options import chosen, warehouse_option
from jetstream_argo.terminal.text import say

if TYPE_CHECKING:
    from jetstream_argo.run.rerun import Idle

# What nodes need. Processes that do them are forks of one that has it loaded.
_PRELOADED = [
    "jetstream_argo.cli.task",
    "jetstream_argo.engines.embedded.engine",
    "jetstream_argo.engines.embedded.translate",
    "jetstream_argo.engines.arrow",
    "duckdb",
    "pyarrow.compute",
    "jetstream_argo.run.statistics",
    "jetstream_argo.run.estimating",
    "jetstream_argo.run.publishing",
    "jetstream_argo.stats.comparisons.least_squares",
    "jetstream_argo.stats.comparisons.quantiles",
]


@click.command()
@planning_options
@warehouse_option
@click.option("--metrics", default="", help="Compute only these and what they need; comma-separated.")
@click.option("--jobs", "-j", type=click.IntRange(1), default=os.cpu_count() or 1, help="Nodes at once.")
@click.option("--export-to", envvar="JETSTREAM_EXPORT", default="", help="Folder for JSON files, or gs://BUCKET.")
@click.option("--manifest", type=click.Path(path_type=Path), help="Run this Argo Workflow instead, by Argo's rules.")
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="With --manifest, as for `argo submit`.")
@click.option("--state", type=click.Path(path_type=Path), help="With --manifest: go on where the last run failed.")
def run(jobs: int, manifest: Path | None, **options: Any) -> int:
    """Compute everything that is due, here. A second run does only what is missing."""
    if manifest is not None:
        return _run_manifest(manifest, jobs, **options)
    return _run_experiment(jobs, **options)


def _run_experiment(jobs: int, warehouse: str, metrics: str, export_to: str, **options: Any) -> int:
    if options.pop("parameter") or options.pop("state"):
        raise click.UsageError("--parameter and --state belong to --manifest")
    check(warehouse)
    plan, files = planned_from(**options)
    dag = filtered(build_dag(plan), chosen(metrics))
    if _is_done(plan, dag, warehouse=warehouse, metrics=metrics, export_to=export_to):
        return EXIT_DONE
    load_for_nodes()
    if _is_hopeless(plan, warehouse, metrics, files=files):
        return EXIT_DEFINITION
    return _run_nodes(plan, dag, warehouse=warehouse, metrics=metrics, jobs=jobs, export_to=export_to).exit_code


def _is_hopeless(plan: AnalysisPlan, warehouse: str, metrics: str, *, files: Mapping[str, str]) -> bool:
    """Say what is wrong by the warehouse's tables, and return whether none of the metrics could be computed."""
    due = filtered(build_dag(plan), chosen(metrics)).nodes
    needed = {metric for node in due for metric in node.metrics}
    asked = chosen(metrics) or [metric.name for metric in plan.metrics if metric.name in needed]
    return bool(due) and stops(plan, warehouse, files=files, metrics=asked)


def _run_manifest(
    manifest: Path, jobs: int, parameter: tuple[str, ...], state: Path | None, export_to: str, **options: Any
) -> int:
    """Run a manifest; what is given by an option or the environment goes before what it says itself."""
    require("argo", wanted_by="run --manifest")
    from jetstream_argo.argo.here.command import parsed, run_manifest  # loads YAML
    from jetstream_argo.engines.objects import absolute

    if options["experiment"]:
        raise click.UsageError("give an experiment or --manifest, not both")
    source = click.get_current_context().get_parameter_source
    # As an address: a path would be taken for one of the pod's own, such as its /tmp.
    given = {"warehouse": options["warehouse"], "metrics": options["metrics"], "export-to": absolute(export_to)}
    own = {name: given[name] for name in given if source(name.replace("-", "_")) is not ParameterSource.DEFAULT}
    return run_manifest(
        manifest,
        own | parsed(parameter),
        jobs=jobs,
        state=state,
        environment=dict(os.environ),
        hopeless=partial(_is_hopeless, files={}),
    )


def run_here(plan: AnalysisPlan, *, warehouse: str, metrics: str, jobs: int, export_to: str) -> DagRun:
    """Run the workflow of `plan` in processes of this machine, and show how it goes."""
    dag = filtered(build_dag(plan), chosen(metrics))
    if _is_done(plan, dag, warehouse=warehouse, metrics=metrics, export_to=export_to):
        return DagRun(())
    return _run_nodes(plan, dag, warehouse=warehouse, metrics=metrics, jobs=jobs, export_to=export_to)


def load_for_nodes() -> None:
    """Have what nodes need loaded meanwhile, because some will be run."""
    from jetstream_argo.run.workers import load

    load(_PRELOADED)


def _is_done(plan: AnalysisPlan, dag: Dag, *, warehouse: str, metrics: str, export_to: str) -> bool:
    """Say that there is nothing to do, and return True, if that is so."""
    if not dag.nodes:
        say(f"{plan.experiment.slug}: nothing is due by {plan.as_of}")
        return True
    known = None if export_to else _idle(plan, dag, warehouse, metrics)
    if known is not None:
        say(f"nothing to do: all {len(dag.nodes) + 1} nodes are up to date ({known})")
    return known is not None


def _run_nodes(plan: AnalysisPlan, dag: Dag, *, warehouse: str, metrics: str, jobs: int, export_to: str) -> DagRun:
    # Loaded when there is something to do.
    from jetstream_argo.run.progress import shown, summary
    from jetstream_argo.run.workers import Workers
    from jetstream_argo.terminal.console import EscapingConsole

    load_for_nodes()
    console = EscapingConsole(stderr=True)
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-") as scratch, shown(dag, console) as watch:
        file = Path(scratch) / "plan.json"
        file.write_bytes(codec.dump(plan))
        arguments = ("--plan", str(file), "--warehouse", warehouse, "--metrics", metrics, "--export-to", export_to)
        workers = Workers(_Tasks(arguments), most=jobs)
        result = run_dag(dag, workers, scratch=Path(scratch), watch=watch)
    say(summary(result))
    if console.is_terminal:  # where lines of nodes that succeed do not stay
        say("\n".join(run.line for run in result.nodes if isinstance(run.node.task, ExportTask)))
    return result


def _idle(plan: AnalysisPlan, dag: Dag, warehouse: str, metrics: str) -> "Idle | None":
    """Return that nothing is to be done, if that is so: one look at the record, in this process."""
    from jetstream_argo.engines.connect import connect, new_attempt
    from jetstream_argo.run.rerun import idle

    engine = connect(warehouse, attempt=new_attempt(), job_id_prefix=codec.sha256(plan)[:12])
    return idle(plan, dag, engine, now=lambda: datetime.now(UTC), metrics=chosen(metrics))


@dataclass(frozen=True, slots=True)
class _Tasks:
    """Does nodes in this process, one after another, each as in a pod of its own; `arguments` are common to all."""

    arguments: tuple[str, ...]
    connections: Connections = field(default_factory=Connections)

    def __call__(self, node: str, line: Path) -> int:
        """Do one node, and return the exit code."""
        from jetstream_argo.cli.main import exit_code_of

        os.environ[TERMINATION_LOG] = str(line)
        with line.with_suffix(".log").open("w") as log, redirect_stdout(log), redirect_stderr(log):
            exit_code = exit_code_of(["task", "--node", node, *self.arguments], kept=self.connections)
        if exit_code:
            self.connections.forget()
        return exit_code
