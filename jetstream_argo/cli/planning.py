"""Looking before paying: what is due, how each metric is computed, which nodes that takes."""

import inspect
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from jetstream_argo.cli.options import selection_options
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.config.dates import sane
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.selection import Selection, selected
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.text import deliver, say, warn

if TYPE_CHECKING:
    from jetstream_argo.plan.planner import ConfigSources

_WHAT = (
    click.argument("experiment", required=False, shell_complete=lambda *_: [CompletionItem("", type="file")]),
    click.option("--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False), help="A plan made before."),
    click.option("--as-of", metavar="DATE", help="The last complete day of telemetry. Default: yesterday, UTC."),
    click.option(
        "--config", type=click.Path(path_type=Path, dir_okay=False), help="Instead of the experiment's own file."
    ),
)
_WHERE = (
    click.option(
        "--definitions",
        "-d",
        multiple=True,
        type=click.Path(path_type=Path),
        envvar="JETSTREAM_DEFINITIONS",
        help="A checkout of metric-hub, or a directory laid out like one; later ones win.",
    ),
    click.option(
        "--experiments",
        envvar="JETSTREAM_EXPERIMENTS",
        help="Experimenter's API (v8), a file of its JSON, or a folder.",
    ),
    click.option(
        "--conventions",
        multiple=True,
        type=click.Path(path_type=Path),
        envvar="JETSTREAM_CONVENTIONS",
        help="Platforms, enrollment queries and defaults of your own.",
    ),
    click.option("--dataset", envvar="JETSTREAM_DATASET", help="Where results go: dataset or project.dataset."),
)

_EXPERIMENT = """EXPERIMENT is a TOML or JSON file, a URL, or a slug that --experiments knows. What can be given by an
option and is the same every time can also be said by the environment: JETSTREAM_DEFINITIONS, _EXPERIMENTS,
_CONVENTIONS, _DATASET and _WAREHOUSE."""


def planning_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what to plan to a command; it passes them to `planned`, and its help explains them."""
    command.__doc__ = f"{inspect.cleandoc(command.__doc__ or '')}\n\n{_EXPERIMENT}\n"
    return _with(_WHAT + _WHERE, command)


def where_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say where to look things up, and where results go."""
    return _with(_WHERE, command)


def _with(options: tuple[Callable[[Any], Any], ...], command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(options):
        command = option(command)
    return command


def planned(
    experiment: str | None,
    plan_file: Path | None,
    as_of: str | None,
    dataset: str | None,
    **where: Any,
) -> AnalysisPlan:
    """Return the plan that the options ask for; warnings go to standard error."""
    return planned_from(experiment, plan_file, as_of, dataset, **where)[0]


def planned_from(
    experiment: str | None,
    plan_file: Path | None,
    as_of: str | None,
    dataset: str | None,
    **where: Any,
) -> tuple[AnalysisPlan, Mapping[str, str]]:
    """Return what `planned` returns, and the files that hold the tables it was made from, by the tables' keys."""
    if plan_file is not None:
        return codec.read(plan_file), {}
    if experiment is None:
        raise click.UsageError("name an experiment: a TOML or JSON file, a URL, or a slug; or give --plan FILE")
    from jetstream_argo.plan.planner import plan_experiment  # loads Jinja and sqlglot, which a ready plan does not need

    result = plan_experiment(experiment, sources(**where), as_of=day(as_of), dataset=dataset)
    for warning in result.warnings:
        warn(warning)
    return result.plan, result.files


def planned_in(warehouse: str, **planning: Any) -> tuple[AnalysisPlan, Mapping[str, str]]:
    """Return what `planned_from` returns, in the dataset where the experiment was recorded if none is named."""
    plan, files = planned_from(**planning)
    if planning["dataset"] is None and planning["plan_file"] is None:
        from jetstream_argo.report.former import plan_recorded

        plan = plan_recorded(plan, warehouse)
    return plan, files


def sources(
    definitions: tuple[Path, ...], experiments: str | None, config: Path | None, conventions: tuple[Path, ...]
) -> "ConfigSources":
    """Return where the options say to look things up."""
    from jetstream_argo.plan.planner import ConfigSources

    return ConfigSources(definitions, experiments, config, conventions)


def day(text: str | None) -> date:
    """Return the date in `text`, which may go on with a time; without text, yesterday in UTC."""
    if text is None:
        return datetime.now(UTC).date() - timedelta(days=1)
    try:
        found = date.fromisoformat(text[:10])
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a date; write it as 2026-05-31", param_hint="--as-of") from error
    try:
        return sane(found)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}", param_hint="--as-of") from error


@click.command(epilog="Example: jetstream-argo plan checkout.toml --as-of 2026-06-15 --warehouse embedded:.jetstream")
@planning_options
@selection_options
@click.option("--output", "-o", type=click.Path(path_type=Path), help="Write the plan, all of it, as canonical JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan itself instead of a description.")
@click.option("--warehouse", help="Also say what is there, what would be computed and read: bigquery:… or embedded:…")
def plan(output: Path | None, as_json: bool, warehouse: str | None, **options: Any) -> int:
    """Say what is due for EXPERIMENT and how it would be computed.

    With --warehouse, its tables are checked, and it is said what is there already, what is new or has changed since the
    last run, and how much a run would read: by dry runs on BigQuery, else by what storage has. Nothing is written.
    """
    from jetstream_argo.cli.checking import warn_of_mistakes

    selection = selection_of(*(options.pop(name) for name in ("metrics", "periods", "sources")))
    made, files = planned_from(**options) if warehouse is None else planned_in(warehouse, **options)
    found = () if warehouse is None else warn_of_mistakes(made, warehouse, files=files)
    code = EXIT_DEFINITION if found else EXIT_DONE
    if output is not None:
        write_file(output, codec.dump(made))
    if as_json:
        deliver(codec.dump(made) + b"\n")
        return code
    from jetstream_argo.cli.describe import described
    from jetstream_argo.terminal.console import EscapingConsole

    console = EscapingConsole()
    for part in described(made, selected(made, build_dag(made), selection), selection):
        console.print(part)
    if warehouse is not None:
        show_forecast(made, warehouse, selection)
    if output is not None:
        console.print(f"wrote {output} ({output.stat().st_size:,} bytes)", highlight=False)
    return code


def show_forecast(plan: AnalysisPlan, warehouse: str, selection: Selection) -> None:
    """Print what a run would compute and read, and why."""
    from jetstream_argo.cli.forecasting import forecast_of
    from jetstream_argo.terminal.console import EscapingConsole

    console = EscapingConsole()
    for part in forecast_of(plan, warehouse, selection):
        console.print(part)


@click.command(epilog="Example: jetstream-argo graph checkout.toml --as-of 2026-06-15 --svg checkout.svg")
@planning_options
@selection_options
@click.option("--svg", "svg_file", type=click.Path(path_type=Path), help="Write the picture to this file.")
def graph(svg_file: Path | None, **options: Any) -> None:
    """Print the workflow of EXPERIMENT as a Mermaid flowchart."""
    from jetstream_argo.dag.mermaid import mermaid
    from jetstream_argo.dag.svg import svg

    selection = selection_of(*(options.pop(name) for name in ("metrics", "periods", "sources")))
    made = planned(**options)
    dag = selected(made, build_dag(made), selection)
    if svg_file is not None:
        write_file(svg_file, svg(dag))
        say(f"wrote {svg_file}", err=True)
    deliver(mermaid(dag))
