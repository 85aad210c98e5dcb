"""Running a whole workflow on this machine."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from jetstream_argo.cli.checking import stops, warn_of_mistakes
from jetstream_argo.cli.local_run import LocalRun, load_for_nodes, nothing_to_do, run_nodes
from jetstream_argo.cli.options import jobs_option, selection_options, warehouse_option
from jetstream_argo.cli.planning import planned_in, planning_options, show_forecast
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.dag.selection import Selection
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.extras import require
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.local import DagRun
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.text import deliver, say
from jetstream_argo.warehouse.connect import check

# Parameters of Workflows, and the options of the same meaning.
_OPTIONS = {"metrics": "metrics", "warehouse": "warehouse", "export-to": "export_to"}


@click.command(epilog="Example: jetstream-argo run checkout.toml --as-of 2026-06-15 --metrics revenue,orders")
@planning_options
@warehouse_option
@selection_options
@click.option("--dry-run", is_flag=True, help="Say what would be computed and read, and why; as plan --warehouse does.")
@jobs_option
@click.option(
    "--export-to", envvar="JETSTREAM_EXPORT", default="", help="Folder for JSON files and the page, or gs://BUCKET."
)
@click.option("--json", "as_json", is_flag=True, help="Print a record of the run; all else goes to standard error.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write the record of the run to this file."
)
@click.option("--manifest", type=click.Path(path_type=Path), help="The plan and the choices of this Argo Workflow.")
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="With --manifest, as for `argo submit`.")
def run(manifest: Path | None, parameter: tuple[str, ...], **options: Any) -> int:
    """Compute everything that is due, here. A second run does only what is missing.

    Ends with 0 when everything is there, 2 when a definition is
    wrong (everything else was computed), and 75 when running it again is worth it.
    """
    if manifest is None:
        if parameter:
            raise click.UsageError("--parameter belongs to --manifest")
        return _run_experiment(**options)
    if options["experiment"] or options["plan_file"]:
        raise click.UsageError("give an experiment or --manifest, not both")
    plan, settings = _unpacked(manifest, parameter)
    return _run_experiment(given=plan, **{**options, **settings})


def _run_experiment(  # noqa: PLR0913  # what the command is told
    *,
    warehouse: str,
    jobs: int,
    export_to: str,
    dry_run: bool,
    as_json: bool,
    output: Path | None,
    metrics: tuple[str, ...],
    periods: tuple[str, ...],
    sources: tuple[str, ...],
    given: AnalysisPlan | None = None,
    **options: Any,
) -> int:
    selection = selection_of(metrics, periods, sources)
    check(warehouse)
    plan, files = planned_in(warehouse, **options) if given is None else (given, {})
    if dry_run:
        return _foretell(plan, warehouse, selection, files=files)
    local_run = LocalRun(plan, warehouse, jobs, selection, export_to)
    since = datetime.now(UTC)
    result = _ran(local_run, files=files)
    if result is None:
        return EXIT_DEFINITION
    _end(local_run, result, since, as_json=as_json, output=output)
    return result.exit_code if isinstance(result, DagRun) else EXIT_DONE


def _ran(local_run: LocalRun, *, files: Mapping[str, str]) -> DagRun | str | None:
    """Run it; return a sentence if there was nothing to do, and None if none of it could be computed."""
    dag = local_run.dag()
    nothing = nothing_to_do(local_run, dag)
    if nothing:
        return nothing
    load_for_nodes()
    if _is_hopeless(local_run, files=files):
        return None
    return run_nodes(local_run, dag)


def _end(local_run: LocalRun, result: DagRun | str, since: datetime, *, as_json: bool, output: Path | None) -> None:
    """Say what matters at the end, and write the record that is asked for."""
    from jetstream_argo.cli.ending import ending

    ended = ending(local_run, result, since, datetime.now(UTC), in_full=as_json or output is not None)
    for line in ended.lines():
        say(line, err=as_json)
    if output is not None:
        write_file(output, ended.json())
    if as_json:
        deliver(ended.json())


def _foretell(plan: AnalysisPlan, warehouse: str, selection: Selection, *, files: Mapping[str, str]) -> int:
    found = warn_of_mistakes(plan, warehouse, files=files)
    show_forecast(plan, warehouse, selection)
    return EXIT_DEFINITION if found else EXIT_DONE


def _is_hopeless(local_run: LocalRun, *, files: Mapping[str, str]) -> bool:
    """Say what is wrong by the warehouse's tables, and return whether none of the metrics could be computed."""
    due = local_run.dag().nodes
    needed = {metric for node in due for metric in node.metrics}
    asked = local_run.metrics or [metric.name for metric in local_run.plan.metrics if metric.name in needed]
    return bool(due) and stops(local_run.plan, local_run.warehouse, files=files, metrics=asked)


def _unpacked(manifest: Path, parameter: tuple[str, ...]) -> tuple[AnalysisPlan, dict[str, Any]]:
    """Return a manifest's plan, and what its parameters say where no option and no variable says otherwise."""
    require("argo", wanted_by="run --manifest")
    from jetstream_argo.argo.manifest.reading import read_workflow  # loads YAML

    packed = read_workflow(manifest)
    settings = {name: packed.parameters[name] for name in _OPTIONS if name in packed.parameters} | _parameters(
        parameter
    )
    source = click.get_current_context().get_parameter_source
    given = [name for name in _OPTIONS if source(_OPTIONS[name]) is not ParameterSource.DEFAULT]
    values = {_OPTIONS[name]: settings[name] for name in settings if name not in given}
    return packed.plan, values | ({"metrics": (values["metrics"],)} if "metrics" in values else {})


def _parameters(given: tuple[str, ...]) -> dict[str, str]:
    """Return parameters that were given as `name=value`."""
    for text in given:
        name, equals, _ = text.partition("=")
        if not equals or name not in _OPTIONS:
            raise click.UsageError(f"-p {text}: write NAME=VALUE, NAME one of {', '.join(_OPTIONS)}")
    return dict(text.split("=", 1) for text in given)
