"""A whole analysis without any account: made-up telemetry, the real pipeline, and how well it finds the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib import resources
from pathlib import Path
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from jetstream_argo.cli.local_run import LocalRun, load_for_nodes, run_locally
from jetstream_argo.cli.options import jobs_option, selection_options
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import EXIT_DONE
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.run.progress import summary
from jetstream_argo.sql import names
from jetstream_argo.sql.text import fill, literal, table
from jetstream_argo.synthetic.effects import Effect, read_effects
from jetstream_argo.synthetic.truth import true_effects
from jetstream_argo.terminal.console import EscapingConsole
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine

AS_OF = date(2026, 4, 6)  # the end date of the demo's experiment
_DATASET = "demo_results"


@click.command(epilog="Example: jetstream-argo demo --units 2000")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=Path(".jetstream"), show_default=True,
    help="Where the warehouse of the demo is made.",
)  # fmt: skip
@click.option("--units", type=click.IntRange(100), default=6000, show_default=True, help="How many units enroll.")
@click.option("--seed", type=int, default=12, show_default=True, help="Of the telemetry.")
@selection_options
@jobs_option
def demo(folder: Path, units: int, seed: int, jobs: int, **chosen: Any) -> int:
    """Analyse an experiment on made-up telemetry, and compare the estimates with the true effects.

    No account and no network are needed. A second time it computes only what is missing.
    """
    console = EscapingConsole()
    warehouse = folder / f"demo-{units}-{seed}"
    plan, effects = demo_experiment()
    make_telemetry(warehouse, plan, effects, units=units, seed=seed)
    result = run_locally(LocalRun(plan, f"embedded:{warehouse}", jobs, selection_of(**chosen)))
    say(result if isinstance(result, str) else summary(result))
    found = list(findings(EmbeddedEngine(warehouse), plan, effects))
    console.print(_table(found))
    covered = sum(finding.covers for finding in found)
    console.print(f"{covered} of {len(found)} intervals of 95 % cover the true effect", highlight=False)
    console.print(f"look around: jetstream-argo results {plan.experiment.slug} --dataset {_DATASET} "
                  f"--warehouse embedded:{warehouse}", highlight=False, soft_wrap=True)  # fmt: skip
    return EXIT_DONE if isinstance(result, str) else result.exit_code


def demo_experiment(dataset: str = _DATASET) -> tuple[AnalysisPlan, tuple[Effect, ...]]:
    """Return the plan of the experiment that comes with the package, and the effects that its telemetry has."""
    with resources.as_file(resources.files("jetstream_argo.demo")) as packaged:
        plan = plan_experiment(str(packaged / "experiment.toml"), ConfigSources(), as_of=AS_OF, dataset=dataset).plan
        return plan, read_effects(packaged / "effects.toml")


def make_telemetry(warehouse: Path, plan: AnalysisPlan, effects: tuple[Effect, ...], *, units: int, seed: int) -> None:
    """Make up the telemetry of the demo, unless it is there; what was stopped begins anew."""
    ready = warehouse / "telemetry-is-complete"
    if ready.exists():
        say(f"telemetry of {counted(units, 'unit')} is there already")
        return
    from jetstream_argo.synthetic.generate import generate  # loads numpy

    load_for_nodes()
    say(f"making up the telemetry of {counted(units, 'unit')}")
    warehouse.mkdir(parents=True, exist_ok=True)
    for made in generate(plan, EmbeddedEngine(warehouse), units=units, seed=seed, effects=effects):
        say(f"  {made.table}: {counted(made.rows, 'row')} on {counted(made.dates, 'date')}")
    ready.touch()


@dataclass(frozen=True, slots=True)
class FoundUplift:
    """A relative uplift, estimated and true."""

    metric: str
    branch: str
    point: float
    lower: float
    upper: float
    truth: float

    @property
    def covers(self) -> bool:
        """Whether the interval holds the truth."""
        return self.lower <= self.truth <= self.upper


def findings(engine: Engine, plan: AnalysisPlan, effects: tuple[Effect, ...]) -> Iterator[FoundUplift]:
    """Yield the overall effects on the units that enrolled, where the truth is known."""
    truths = {(effect.metric, effect.branch): effect for effect in true_effects(plan, effects)}
    reference = plan.experiment.reference_branch or plan.experiment.branches[0]
    query = fill(
        "found_uplifts",
        estimates=table(names.statistics_view(plan, Period.OVERALL)),
        basis=literal(Basis.ENROLLMENTS.value),
        reference=literal(reference),
    )
    for metric, branch, point, lower, upper in engine.query(query, labels={}).rows:
        truth = truths.get((str(metric), str(branch)))
        if truth is not None and truth.relative_uplift is not None:
            low, high = float(str(lower)), float(str(upper))
            yield FoundUplift(str(metric), str(branch), float(str(point)), low, high, truth.relative_uplift)


def _table(found: list[FoundUplift]) -> Table:
    shown = Table("metric", "branch", title="Relative uplift over the whole experiment", title_justify="left")
    for heading in ("estimate", "95 % interval", "true"):
        shown.add_column(heading, justify="right")
    shown.add_column("")
    for finding in found:
        shown.add_row(
            finding.metric,
            finding.branch,
            f"{finding.point:+.1%}",
            f"{finding.lower:+.1%} … {finding.upper:+.1%}",
            f"{finding.truth:+.1%}",
            Text("covers", "green") if finding.covers else Text("misses", "red"),
        )
    return shown
