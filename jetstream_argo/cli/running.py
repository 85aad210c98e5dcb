"""Running a whole workflow on this machine."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from jetstream_argo.cli.checking import stops, told
from jetstream_argo.cli.here import Here, load_for_nodes, nothing_to_do, run_nodes
from jetstream_argo.cli.options import chosen, selection_options, warehouse_option
from jetstream_argo.cli.planning import planned_from, planning_options, show_forecast
from jetstream_argo.cli.selecting import selection_of
from jetstream_argo.dag.selection import Selection
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.extras import require
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.local import DagRun
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.text import deliver, say
from jetstream_argo.warehouse.connect import check


@click.command(epilog="Example: jetstream-argo run checkout.toml --as-of 2026-06-15 --metrics revenue,orders")
@planning_options
@warehouse_option
@selection_options
@click.option("--dry-run", is_flag=True, help="Say what would be computed and read, and why; as plan --warehouse does.")
@click.option("--jobs", "-j", type=click.IntRange(1), default=os.cpu_count() or 1, help="Nodes at once.")
@click.option("--export-to", envvar="JETSTREAM_EXPORT", default="", help="Folder for JSON files, or gs://BUCKET.")
@click.option("--json", "as_json", is_flag=True, help="Print a record of the run; all else goes to standard error.")
@click.option(
    "--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Write the record of the run to this file."
)
@click.option("--manifest", type=click.Path(path_type=Path), help="Run this Argo Workflow instead, by Argo's rules.")
@click.option("--parameter", "-p", multiple=True, metavar="NAME=VALUE", help="With --manifest, as for `argo submit`.")
@click.option("--state", type=click.Path(path_type=Path), help="With --manifest: go on where the last run failed.")
def run(manifest: Path | None, **options: Any) -> int:
    """Compute everything that is due, here. A second run does only what is missing.

    Ends with 0 when everything is there, 2 when a definition is
    wrong (everything else was computed), and 75 when running it again is worth it.
    """
    return _run_experiment(**options) if manifest is None else _run_manifest(manifest, **options)


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
    **options: Any,
) -> int:
    if options.pop("parameter") or options.pop("state"):
        raise click.UsageError("--parameter and --state belong to --manifest")
    selection = selection_of(metrics, periods, sources)
    check(warehouse)
    plan, files = planned_from(**options)
    if dry_run:
        return _foretell(plan, warehouse, selection, files=files)
    here = Here(plan, warehouse, jobs, selection, export_to)
    since = datetime.now(UTC)
    result = _ran(here, files=files)
    if result is None:
        return EXIT_DEFINITION
    _end(here, result, since, as_json=as_json, output=output)
    return result.exit_code if isinstance(result, DagRun) else EXIT_DONE


def _ran(here: Here, *, files: Mapping[str, str]) -> DagRun | str | None:
    """Run it; return a sentence if there was nothing to do, and None if none of it could be computed."""
    dag = here.dag()
    nothing = nothing_to_do(here, dag)
    if nothing:
        return nothing
    load_for_nodes()
    if _is_hopeless(here, files=files):
        return None
    return run_nodes(here, dag)


def _end(here: Here, result: DagRun | str, since: datetime, *, as_json: bool, output: Path | None) -> None:
    """Say what matters at the end, and write the record that is asked for."""
    from jetstream_argo.cli.ending import ending

    ended = ending(here, result, since, datetime.now(UTC), in_full=as_json or output is not None)
    for line in ended.lines():
        say(line, err=as_json)
    if output is not None:
        write_file(output, ended.json())
    if as_json:
        deliver(ended.json())


def _foretell(plan: AnalysisPlan, warehouse: str, selection: Selection, *, files: Mapping[str, str]) -> int:
    found = told(plan, warehouse, files=files)
    show_forecast(plan, warehouse, selection)
    return EXIT_DEFINITION if found else EXIT_DONE


def _is_hopeless(here: Here, *, files: Mapping[str, str]) -> bool:
    """Say what is wrong by the warehouse's tables, and return whether none of the metrics could be computed."""
    due = here.dag().nodes
    needed = {metric for node in due for metric in node.metrics}
    asked = here.metrics or [metric.name for metric in here.plan.metrics if metric.name in needed]
    return bool(due) and stops(here.plan, here.warehouse, files=files, metrics=asked)


def _run_manifest(
    manifest: Path, *, jobs: int, parameter: tuple[str, ...], state: Path | None, export_to: str, **options: Any
) -> int:
    """Run a manifest; what is given by an option or the environment goes before what it says itself."""
    require("argo", wanted_by="run --manifest")
    from jetstream_argo.argo.emulator.command import parsed, run_manifest  # loads YAML
    from jetstream_argo.storage.objects import absolute

    if options["experiment"]:
        raise click.UsageError("give an experiment or --manifest, not both")
    for name in ("periods", "sources", "dry_run", "as_json", "output"):
        if options[name]:
            raise click.UsageError("--manifest is run whole, or by --metrics; other choices belong to an experiment")
    source = click.get_current_context().get_parameter_source
    metrics = ",".join(chosen(*options["metrics"]))
    # As an address: a path would be taken for one of the pod's own, such as its /tmp.
    given = {"warehouse": options["warehouse"], "metrics": metrics, "export-to": absolute(export_to)}
    own = {name: given[name] for name in given if source(name.replace("-", "_")) is not ParameterSource.DEFAULT}
    return run_manifest(
        manifest,
        own | parsed(parameter),
        jobs=jobs,
        state=state,
        environment=dict(os.environ),
        hopeless=partial(_is_hopeless_manifest, jobs=jobs),
    )


def _is_hopeless_manifest(plan: AnalysisPlan, warehouse: str, metrics: str, *, jobs: int) -> bool:
    return _is_hopeless(Here(plan, warehouse, jobs, Selection(chosen(metrics))), files={})
