"""Tells how large an experiment has to be: the effects that its metrics could find, before it starts."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.options import jobs_option, warehouse_option
from jetstream_argo.cli.planning import day, planning_options, sources
from jetstream_argo.errors import EXIT_DONE, PlanError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.text import deliver, say

if TYPE_CHECKING:
    from jetstream_argo.sizing.effects import Design, Sized

_WEEKS = re.compile(r"(\d+)(?:\.\.(\d+))?\Z")


class _Weeks(click.ParamType[tuple[int, int]]):
    """A number of weeks, or the first and last of several: 4, 1..4."""

    name = "weeks"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Return the first and the last week."""
        if isinstance(value, tuple):
            return value
        found = _WEEKS.match(value)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last:
            self.fail(f"{value!r} is no number of weeks: write 4, or 1..4", param, ctx)
        return first, last


class _Population(click.ParamType[tuple[int, ...]]):
    """Numbers of units, with commas."""

    name = "units"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Return the numbers."""
        if isinstance(value, tuple):
            return value
        texts = [text.strip().replace("_", "") for text in value.split(",")]
        if not all(text.isdigit() and int(text) > 1 for text in texts):
            self.fail(f"{value!r} are no numbers of units: write 20000, or 20000,50000", param, ctx)
        return tuple(int(text) for text in texts)


def _sizes(plan: AnalysisPlan, warehouse: str, population: tuple[int, ...], design: "Design") -> "Iterator[Sized]":
    from jetstream_argo.report.results import Filters, read_estimates
    from jetstream_argo.sizing.effects import sized, spreads_of
    from jetstream_argo.store.estimates_table import IDENTITY
    from jetstream_argo.warehouse.connect import connect, new_attempt

    result = read_estimates(connect(warehouse, attempt=new_attempt()), plan, Filters(segments=("all",)))
    rows = list(result.dicts())
    # Where nobody is found, estimates of another period may still be there: those of nobody replace none.
    if not any(row["metric"] == IDENTITY and row["point"] for row in rows):
        return iter(())
    return sized(list(spreads_of(rows)), population, design)


@click.command(epilog="Example: jetstream-argo size checkout.toml --weeks 1..4 --population 20000,50000")
@planning_options
@click.option("--weeks", type=_Weeks(), default="1..4", show_default=True, help="How long units are observed.")
@click.option("--population", type=_Population(), default=None, help="Units in all branches. Default: those found.")
@click.option(
    "--power",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="How probable it is that an effect is found.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, True, True),
    default=0.95,
    show_default=True,
    help="Of the intervals, two-sided.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--plot", type=click.Path(path_type=Path, dir_okay=False), help="Draw it into this SVG file.")
@jobs_option
@warehouse_option
def size(  # noqa: PLR0913  # what the command is told
    *,
    weeks: tuple[int, int],
    population: tuple[int, ...] | None,
    power: float,
    confidence: float,
    as_json: bool,
    plot: Path | None,
    jobs: int,
    warehouse: str,
    experiment: str | None,
    plan_file: Path | None,
    as_of: str | None,
    dataset: str | None,
    **where: Any,
) -> int:
    """Say which effects EXPERIMENT could find, with how many units in how many weeks, with and without covariate.

    Its metrics are computed over a period before --as-of, of everybody with rows in its data sources; nothing of the
    experiment itself is needed but its file.
    """
    from jetstream_argo.cli.local_run import LocalRun, run_locally
    from jetstream_argo.plan.planner import plan_config, read_config
    from jetstream_argo.run.local import DagRun
    from jetstream_argo.sizing.effects import Design, shares_compared
    from jetstream_argo.sizing.past import past_experiment
    from jetstream_argo.sizing.show import size_json, size_plot, size_table
    from jetstream_argo.terminal.console import EscapingConsole

    if experiment is None or plan_file is not None:
        raise click.UsageError("name an experiment: a TOML or JSON file, a URL, or a slug")
    known, last = sources(**where), day(as_of)
    config = read_config(experiment, known, as_of=last)
    plan = plan_config(past_experiment(config, weeks=weeks[1], as_of=last), known, as_of=last, dataset=dataset)
    ran = run_locally(LocalRun(plan, warehouse, jobs))
    if isinstance(ran, DagRun) and ran.exit_code != EXIT_DONE:
        for run in ran.nodes:
            if run.exit_code:
                say(f"{run.node.id}: {run.line}", err=True)
        return ran.exit_code
    design = Design(shares_compared(config.branches, config.branch_ratios, config.reference_branch), confidence, power)
    sizes = [size for size in _sizes(plan, warehouse, population or (), design) if size.weeks >= weeks[0]]
    if not sizes:
        timeline = plan.experiment.timeline
        raise PlanError(
            f"{config.slug}: nothing can be sized, since nobody who was there from {timeline.start} to "
            f"{timeline.last_enrollment} has values; load telemetry up to {last}, or choose another --as-of or --weeks"
        )
    if plot is not None:
        write_file(plot, size_plot(sizes))
    if as_json:
        deliver(size_json(config.slug, design, sizes))
    else:
        EscapingConsole().print(size_table(sizes))
        say(f"at {confidence:.0%} confidence and {power:.0%} power; a week is 7 days of each unit since enrollment")
    return EXIT_DONE
