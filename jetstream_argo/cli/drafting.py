"""The way to a first configuration: questions with guesses, answered by options or on a terminal."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.options import warehouse_option
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.files import write_file
from jetstream_argo.terminal.plural import counted
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.address import warehouse_argument
from jetstream_argo.warehouse.connect import EmbeddedSettings, connect, new_attempt, settings

if TYPE_CHECKING:
    from jetstream_argo.drafting.drafting import DraftAnswers
    from jetstream_argo.warehouse.protocol import Engine


@click.command(
    epilog="Example: jetstream-argo init --assignments shop.assignments --measure shop.orders -o checkout.toml"
)
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="Default: SLUG.toml.")
@warehouse_option
@click.option("--slug", default="", help="The experiment's name; where assignments name experiments, one of those.")
@click.option("--assignments", "assigned_in", default="", metavar="TABLE", help="Who is in which branch.")
@click.option("--measure", "measures", multiple=True, metavar="TABLE", help="Rows to measure by. Default: all others.")
@click.option("--unit", default="", metavar="COLUMN", help="What is randomised and counted, such as customer_id.")
@click.option("--branch", default="", metavar="COLUMN", help="The branch that a unit is in.")
@click.option("--assigned-on", default="", metavar="COLUMN", help="Since when the unit is in it.")
@click.option("--reference", default="", metavar="BRANCH", help="The branch that others are compared with.")
@click.option("--start-date", type=click.DateTime(["%Y-%m-%d"]), help="Default: the first date of assignments.")
@click.option("--force", is_flag=True, help="Replace the file if it is there.")
def init(output: Path | None, warehouse: str, start_date: datetime | None, force: bool, **named: Any) -> None:
    """Draft a configuration from tables that are there, with comments.

    Columns, dates, branches and their units are looked up. On a terminal what is not told is asked for, with a guess;
    elsewhere the guess is taken.
    """
    from jetstream_argo.config.files.experiment_file import read_experiment
    from jetstream_argo.drafting.draft import draft_text, metric_names
    from jetstream_argo.drafting.drafting import DraftAnswers, drafted
    from jetstream_argo.storage.toml_file import parse_toml

    start = start_date.date() if start_date is not None else None
    answers = DraftAnswers(start=start, **named)
    engine = connect(warehouse, attempt=new_attempt())
    made = drafted(engine, _tables(warehouse, engine, answers), answers, _asked)
    text = draft_text(made)
    file = output or Path(f"{made.slug}.toml")
    read_experiment(parse_toml(text, str(file)), str(file))
    if file.exists() and not force:
        raise ConfigError(str(file), [Problem("", "is there already; write another with -o, or replace it: --force")])
    write_file(file, text)
    branches = ", ".join(f"{branch.name} ({counted(branch.units, 'unit')})" for branch in made.branches)
    say(f"wrote {file}: {made.slug}, branches {branches}, from {made.start} to {made.end - timedelta(days=1)}")
    say(f"metrics: {', '.join(metric_names(made))}")
    say(f"next: jetstream-argo run {file} --as-of {made.end}{warehouse_argument(warehouse)}")


def _tables(warehouse: str, engine: "Engine", answers: "DraftAnswers") -> tuple[str, ...]:
    """Return the tables to choose from: those of no experiment, in an embedded warehouse."""
    from jetstream_argo.loading.listing import embedded_datasets, names_of

    where = settings(warehouse)
    if isinstance(where, EmbeddedSettings):
        datasets = embedded_datasets(where.folder, where.project)
        found = tuple(name for dataset in datasets for name in names_of(engine, dataset))
        if not found:
            hint = "put files in: jetstream-argo load DATASET.TABLE FILE..."
            raise ConfigError(warehouse, [Problem("", f"has no tables; {hint}")])
        return found
    if not answers.assigned_in or not answers.measures:
        raise ConfigError(warehouse, [Problem("", "has many tables: name them, with --assignments and --measure")])
    return ()


def _asked(option: str, about: str, guess: str | None, choices: Sequence[str]) -> str:
    """Return a person's answer on a terminal, or the guess elsewhere.

    Raises:
        ConfigError: there is neither.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        listed = f" ({', '.join(choices)})" if choices else ""
        return str(click.prompt(f"{about}{listed}", default=guess)).strip()
    if guess is None:
        listed = f": {', '.join(choices)}" if choices else ""
        raise ConfigError("init", [Problem(option, f"is missing, and cannot be guessed. {about}{listed}")])
    return guess
