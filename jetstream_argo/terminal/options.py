"""What several commands are told, in the same words."""

import shlex

import click

DEFAULT_WAREHOUSE = "embedded:.jetstream"

warehouse_option = click.option(
    "--warehouse", envvar="JETSTREAM_WAREHOUSE", default=DEFAULT_WAREHOUSE, show_default=True
)  # fmt: skip
dataset_option = click.option(
    "--dataset", envvar="JETSTREAM_DATASET", help="Where the results are: dataset or project.dataset."
)


def chosen(*given: str) -> tuple[str, ...]:
    """Return the names in an option's texts, each of which may have several, separated by commas.

    >>> chosen("a, b", "c,,a")
    ('a', 'b', 'c')
    """
    return tuple(dict.fromkeys(name for text in given for part in text.split(",") if (name := part.strip())))


def told_warehouse(warehouse: str) -> str:
    """Return how the next command is told of this warehouse; nothing where it finds it by itself."""
    return "" if warehouse == DEFAULT_WAREHOUSE else f" --warehouse {shlex.quote(warehouse)}"
