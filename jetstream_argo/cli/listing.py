"""Lists the experiments that there are: in a warehouse, with results, or where experiments come from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click
from click.core import ParameterSource

from jetstream_argo.cli.options import json_option, warehouse_option
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE
from jetstream_argo.terminal.text import say, warn
from jetstream_argo.warehouse.connect import EmbeddedSettings, connect, new_attempt, settings

_Row = Mapping[str, object]


@click.command("list", epilog="Example: jetstream-argo list --warehouse embedded:.jetstream")
@warehouse_option
@click.option("--dataset", envvar="JETSTREAM_DATASET", help="Only in this one. Default: all of an embedded warehouse.")
@click.option(
    "--experiments",
    envvar="JETSTREAM_EXPERIMENTS",
    metavar="SOURCE",
    help="Instead: those of Experimenter's API (v8), of a file of its JSON, or of a folder of files.",
)
@json_option
def list_experiments(warehouse: str, dataset: str | None, experiments: str | None, as_json: bool) -> int:
    """List the experiments that have results in a warehouse, those that were worked at last first.

    With --experiments, those of a source, whether they have results or not; ends with 2 if some cannot be read.
    """
    from_environment = _source("experiments") is ParameterSource.ENVIRONMENT
    if experiments is not None and not (from_environment and _source("warehouse") is ParameterSource.COMMANDLINE):
        rows, wrong = _of_source(experiments)
        where = experiments
    else:
        rows, wrong = list(_of_warehouse(warehouse, dataset)), 0
        where = f"{warehouse}{f', dataset {dataset}' if dataset else ''}"
    if as_json:
        say(json.dumps(rows, indent=2, ensure_ascii=False))
    elif not rows:
        say(f"{where}: there are no experiments")
    else:
        show_rows(rows)
    return EXIT_DEFINITION if wrong else EXIT_DONE


def _source(name: str) -> ParameterSource | None:
    return click.get_current_context().get_parameter_source(name)


def _of_warehouse(warehouse: str, dataset: str | None) -> Iterator[_Row]:
    from jetstream_argo.report.experiments import recorded_in

    engine = connect(warehouse, attempt=new_attempt())
    for name in (dataset,) if dataset else datasets_of(warehouse):
        for found in recorded_in(engine, name):
            yield {
                "experiment": found.place.slug,
                "dataset": found.place.dataset,
                "units": found.units,
                "metrics": found.metrics,
                "lacking": found.lacking + found.failures,
                "last worked at": f"{found.last_at:%Y-%m-%d %H:%M}",
            }


def datasets_of(warehouse: str) -> Sequence[str]:
    """Return all datasets of an embedded warehouse, and of others that where results go by default."""
    from jetstream_argo.config.conventions.load import load_conventions
    from jetstream_argo.loading.listing import embedded_datasets

    where = settings(warehouse)
    if isinstance(where, EmbeddedSettings):
        return embedded_datasets(where.folder, where.project)
    return (load_conventions().default_dataset,)


def _of_source(source: str) -> tuple[list[_Row], int]:
    """Return the experiments of a source, and how many of it cannot be read, after printing which and why."""
    from jetstream_argo.argo.due.candidates import Candidate, candidates
    from jetstream_argo.config.files.experiment_file import is_experiment_file, load_experiment_file
    from jetstream_argo.errors import ConfigError

    found, failed = candidates(source)
    wrong = [entry.line for entry in failed]
    rows: list[_Row] = []
    for candidate in found:
        if isinstance(candidate, Path) and not is_experiment_file(candidate):
            continue
        try:
            experiment = (
                candidate.experiment if isinstance(candidate, Candidate) else load_experiment_file(candidate).experiment
            )
        except ConfigError as error:
            wrong.append(str(error))
            continue
        rows.append(
            {
                "experiment": experiment.slug,
                "application": experiment.app_name,
                "branches": len(experiment.branches),
                "from": None if experiment.start_date is None else experiment.start_date.isoformat(),
                "to": None if experiment.end_date is None else experiment.end_date.isoformat(),
            }
        )
    for line in wrong:
        warn(line)
    return rows, len(wrong)


def show_rows(rows: Sequence[_Row]) -> None:
    """Print rows that have the same headings as a table."""
    from rich import box
    from rich.table import Table

    from jetstream_argo.terminal.console import EscapingConsole

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading, value in rows[0].items():
        table.add_column(heading, justify="right" if isinstance(value, int) else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(_shown, row.values()))
    EscapingConsole().print(table)


def _shown(value: object) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
