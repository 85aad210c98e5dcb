"""Running the nodes of a workflow in processes of this machine."""

import os
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.argo.pod import TERMINATION_LOG
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Dag
from jetstream_argo.dag.selection import EVERYTHING, Selection, selected, selected_metrics
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.local import DagRun, run_dag
from jetstream_argo.warehouse.connect import Connections

if TYPE_CHECKING:
    from jetstream_argo.run.rerun import Idle

# What nodes need. Processes that do them are forks of one that has it loaded.
PRELOADED = [
    "jetstream_argo.cli.task",
    "jetstream_argo.warehouse.duckdb.engine",
    "jetstream_argo.warehouse.duckdb.translate",
    "jetstream_argo.warehouse.arrow",
    "duckdb",
    "pandas",  # pyarrow looks for it when it is first given values
    "pyarrow.compute",
    "jetstream_argo.run.statistics",
    "jetstream_argo.estimating.estimate",
    "jetstream_argo.run.publishing",
    "jetstream_argo.stats.comparisons.least_squares",
    "jetstream_argo.stats.comparisons.quantiles",
]


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A run on this machine: of what, in which warehouse, with how many nodes at once, and where files are exported."""

    plan: AnalysisPlan
    warehouse: str
    jobs: int
    selection: Selection = EVERYTHING
    export_to: str = ""

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that are asked for; none where all are."""
        return selected_metrics(self.plan, self.selection)

    def dag(self) -> Dag:
        """Return the nodes that are asked for, and those that they need."""
        return selected(self.plan, build_dag(self.plan), self.selection)


def run_locally(local_run: LocalRun) -> DagRun | str:
    """Run what is asked for and show how it goes; return a sentence instead if there is nothing to do."""
    dag = local_run.dag()
    return nothing_to_do(local_run, dag) or run_nodes(local_run, dag)


def load_for_nodes() -> None:
    """Have what nodes need loaded meanwhile, because some will be run."""
    from jetstream_argo.run.workers import load

    load(PRELOADED)


def nothing_to_do(local_run: LocalRun, dag: Dag) -> str:
    """Return that nothing is due, or that all is there, as a sentence; nothing if there is something to do."""
    if not dag.nodes:
        return f"{local_run.plan.experiment.slug}: nothing is due by {local_run.plan.as_of}"
    known = None if local_run.export_to else _idle(local_run, dag)
    return "" if known is None else f"nothing to do: all {len(dag.nodes) + 1} nodes are up to date ({known})"


def run_nodes(local_run: LocalRun, dag: Dag) -> DagRun:
    """Run the nodes, and show how it goes."""
    # Loaded when there is something to do.
    from jetstream_argo.run.progress import shown
    from jetstream_argo.run.workers import Workers
    from jetstream_argo.terminal.console import EscapingConsole

    load_for_nodes()
    console = EscapingConsole(stderr=True)
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-") as scratch, shown(dag, console) as watch:
        workers = Workers(tasks_of(local_run, Path(scratch) / "plan.json"), most=local_run.jobs)
        try:
            return run_dag(dag, workers, scratch=Path(scratch), watch=watch)
        finally:
            _tidy(local_run.warehouse)


def tasks_of(local_run: LocalRun, plan_file: Path) -> "Tasks":
    """Write the plan into a file, and return what does its nodes in a process that stays for the next one."""
    common = {
        "warehouse": local_run.warehouse,
        "metrics": ",".join(local_run.metrics),
        "export-to": local_run.export_to,
    }
    plan_file.write_bytes(codec.dump(local_run.plan))
    arguments = ("--plan", str(plan_file), *(f"--{name}={text}" for name, text in common.items()))
    return Tasks(arguments, Connections(local_run.jobs))


def _tidy(warehouse: str) -> None:
    """Remove the locks of processes that have ended: Python ends those of `multiprocessing` without finalizers."""
    from jetstream_argo.warehouse.connect import EmbeddedSettings, open_embedded, settings

    found = settings(warehouse)
    if isinstance(found, EmbeddedSettings):
        open_embedded(found).purge(())


def _idle(local_run: LocalRun, dag: Dag) -> "Idle | None":
    """Return that nothing is to be done, if that is so: one look at the record, in this process."""
    from jetstream_argo.run.rerun import idle
    from jetstream_argo.warehouse.connect import connect, new_attempt

    engine = connect(local_run.warehouse, attempt=new_attempt(), job_id_prefix=codec.sha256(local_run.plan)[:12])
    return idle(local_run.plan, dag, engine, now=lambda: datetime.now(UTC), metrics=local_run.metrics)


@dataclass(frozen=True, slots=True)
class Tasks:
    """Does nodes in this process, one after another, each as in a pod of its own; `arguments` are common to all."""

    arguments: tuple[str, ...]
    connections: Connections

    def __call__(self, node: str, line: Path) -> int:
        """Do one node, and return the exit code."""
        from jetstream_argo.cli.main import exit_code_of

        os.environ[TERMINATION_LOG] = str(line)
        with line.with_suffix(".log").open("w") as log, redirect_stdout(log), redirect_stderr(log):
            exit_code = exit_code_of(["task", "--node", node, *self.arguments], kept=self.connections)
        if exit_code:
            self.connections.forget()
        return exit_code
