"""Data in: files become tables of the embedded warehouse, and what tables there are is listed."""

import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jetstream_argo.cli.options import warehouse_option
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.terminal.text import say
from jetstream_argo.warehouse.connect import EmbeddedSettings
from jetstream_argo.warehouse.connect import settings as settings_of

if TYPE_CHECKING:
    from jetstream_argo.loading.load import Loaded
    from jetstream_argo.warehouse.duckdb.incoming.model import File, ReadOptions

_STDIN = "standard input"
_FORMATS = ("csv", "json", "parquet")


@click.command(
    epilog="Example: jetstream-argo load shop.orders 'orders-*.csv.gz' --type order_id=STRING",
)
@click.argument("table")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@warehouse_option
@click.option("--append", is_flag=True, help="Add to the rows of the table instead of replacing them.")
@click.option("--in-place", is_flag=True, help="Copy nothing: read Parquet or FILE.duckdb[:TABLE] where it lies.")
@click.option("--type", "types", multiple=True, metavar="COLUMN=TYPE", help="Such as id=STRING, day=DATE:%d/%m/%Y.")
@click.option("--null", "nulls", multiple=True, metavar="TEXT", help="What stands for a missing value, in any column.")
@click.option("--format", "format_", type=click.Choice(_FORMATS), help="Default: by the files' names and contents.")
@click.option("--delimiter", default="", metavar="CHARACTER", help="Between columns of CSV. Default: as in line 1.")
@click.option("--decimal-comma", is_flag=True, help="Numbers are written 1.234,5.")
@click.option("--encoding", default="", help="Of CSV. Default: UTF-8.")
@click.option("--columns", default="", metavar="NAME,...", help="Names of CSV's columns, instead of the first line's.")
@click.option("--no-header", is_flag=True, help="The first line of CSV holds values; needs --columns.")
def load(table: str, files: tuple[str, ...], warehouse: str, append: bool, in_place: bool, **reading: Any) -> None:
    """Put FILE... into TABLE (dataset.table) of the embedded warehouse.

    Files are CSV, JSON lines or Parquet, also packed by gzip; patterns such as 'orders-*.csv', folders of Parquet and -
    (standard input) are understood. What was inferred is printed.
    """
    from jetstream_argo.loading.load import embedded, load_files

    options = _options(**reading)
    if in_place:
        from jetstream_argo.loading.in_place import load_in_place

        if append:
            raise click.UsageError("--in-place and --append exclude one another: what lies there is the whole table")
        _tell(load_in_place(embedded(warehouse), table, files, options))
        return
    with tempfile.TemporaryDirectory(prefix="jetstream-argo-") as scratch:
        found = [file for name in files for file in _files(name, options, Path(scratch))]
        _tell(load_files(embedded(warehouse), table, found, options, append=append))


def _tell(loaded: "Loaded") -> None:
    for line in loaded.lines():
        say(line)


@click.command(epilog="Example: jetstream-argo tables shop")
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
@warehouse_option
@click.option("--all", "include_all", is_flag=True, help="Also the tables in which results are kept.")
def tables(datasets: tuple[str, ...], warehouse: str, include_all: bool) -> None:
    """List the tables of a warehouse, with their columns, dates and rows. BigQuery needs the DATASET."""
    from jetstream_argo.loading.listing import embedded_datasets, listed
    from jetstream_argo.warehouse.connect import connect, new_attempt

    where = settings_of(warehouse)
    engine = connect(warehouse, attempt=new_attempt())
    if isinstance(where, EmbeddedSettings):
        datasets = datasets or embedded_datasets(where.folder, where.project)
    elif not datasets:
        raise ConfigError(warehouse, [Problem("", "has many datasets; name some: jetstream-argo tables DATASET")])
    found = tuple(table for dataset in datasets for table in listed(engine, dataset, include_all=include_all))
    if not found:
        hint = "put files in: jetstream-argo load DATASET.TABLE FILE..."
        say(f"{warehouse}: there are no tables{' in ' + ', '.join(datasets) if datasets else ''}; {hint}")
    for table in found:
        for line in table.lines():
            say(line)


def _options(*, types: Sequence[str], columns: str, no_header: bool, **reading: Any) -> "ReadOptions":
    from jetstream_argo.loading.options import reading_options

    if no_header and not columns:
        raise click.UsageError("--no-header needs --columns: the columns must be called something")
    return reading_options(
        types=dict(_pair(text) for text in types),
        columns=tuple(name.strip() for name in columns.split(",")) if columns else (),
        has_header=not no_header,
        **reading,
    )


def _files(name: str, options: "ReadOptions", scratch: Path) -> "Sequence[File]":
    """Return the files of a name; what comes from standard input is written down, as it is read more than once."""
    from jetstream_argo.warehouse.duckdb.incoming.finding import described_file, found_files

    if name != "-":
        return found_files([name], format_=options.format)
    path = scratch / "stdin"
    with path.open("wb") as file:
        shutil.copyfileobj(sys.stdin.buffer, file)
    return [described_file(path, _STDIN, format_=options.format)]


def _pair(text: str) -> tuple[str, str]:
    name, sign, type_ = text.partition("=")
    if not sign or not name.strip():
        raise click.UsageError(f"--type {text!r} is not COLUMN=TYPE")
    return name.strip(), type_
