"""Options that several commands take, in the same words."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jetstream_argo.warehouse.address import DEFAULT_WAREHOUSE, with_most_bytes

MOST_BYTES = "JETSTREAM_MAXIMUM_BYTES_BILLED"


def within_most_bytes(_context: click.Context, _parameter: click.Parameter, warehouse: str) -> str:
    """Return the address with the limit on each query's bytes that the environment sets where it has none itself."""
    most = os.environ.get(MOST_BYTES, "").strip()
    if most and not (most.isdecimal() and int(most) > 0):
        raise click.UsageError(f"{MOST_BYTES} is {most!r}; it has to be a whole number of bytes above 0, or empty")
    return with_most_bytes(warehouse, int(most)) if most else warehouse


warehouse_option = click.option(
    "--warehouse", envvar="JETSTREAM_WAREHOUSE", default=DEFAULT_WAREHOUSE, show_default=True,
    callback=within_most_bytes, help="Where tables and results are: embedded:FOLDER or bigquery:PROJECT.",
)  # fmt: skip
dataset_option = click.option(
    "--dataset", envvar="JETSTREAM_DATASET", help="Where the results are: dataset or project.dataset."
)

metrics_option = click.option(
    "--metrics", multiple=True, metavar="METRIC", help="Only these; repeated, or with commas."
)
period_option = click.option(
    "--period", "periods", multiple=True, metavar="PERIOD", help="Only these, such as week or overall; as --metrics."
)
source_option = click.option(
    "--source", "sources", multiple=True, metavar="SOURCE", help="Only metrics of these data sources; as --metrics."
)

plan_option = click.option(
    "--plan", "plan_file", type=click.Path(path_type=Path, dir_okay=False), help="Instead of a slug."
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")
jobs_option = click.option("--jobs", "-j", type=click.IntRange(1), default=os.cpu_count() or 1, help="Nodes at once.")


def deadline_option(meaning: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option that says for how many hours telemetry is waited for; `meaning` is what is so from then on."""
    return click.option(
        "--deadline",
        type=click.FloatRange(min=0),
        default=20,
        show_default=True,
        envvar="JETSTREAM_DEADLINE_HOURS",
        help=meaning,
    )


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose a part of an experiment: `metrics`, `periods` and `sources`."""
    return metrics_option(period_option(source_option(command)))


def chosen(*given: str) -> tuple[str, ...]:
    """Return the names in an option's texts, each of which may have several, separated by commas.

    >>> chosen("a, b", "c,,a")
    ('a', 'b', 'c')
    """
    return tuple(dict.fromkeys(name for text in given for part in text.split(",") if (name := part.strip())))
