"""Loading, for a notebook."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jetstream_argo.loading.load import Loaded, embedded, load_frame, load_named
from jetstream_argo.loading.options import reading_options
from jetstream_argo.notebook.where import PathLike, warehouse_or_default
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.frames import Frame


def load(
    table: str,
    what: Frame | PathLike | Sequence[PathLike],
    *,
    warehouse: str | None = None,
    append: bool = False,
    types: Mapping[str, str] | None = None,
    nulls: tuple[str, ...] = (),
) -> Loaded:
    """Put a data frame, a file or files into a table of the embedded warehouse; return what was made of them.

    Args:
        table: `dataset.table`. What it holds is replaced.
        what: a frame of pandas, polars or Arrow; or paths of CSV, JSON lines or Parquet files, patterns, folders.
        warehouse: `embedded:FOLDER`. Default: `JETSTREAM_WAREHOUSE`, or the folder `.jetstream`.
        append: add to the table instead.
        types: BigQuery's types by column, as `{"day": "DATE:%d/%m/%Y"}`; others are inferred.
        nulls: texts that stand for a missing value.

    Raises:
        ConfigError: something cannot be read, or not as the type that is asked for.
    """
    engine = embedded(warehouse_or_default(warehouse))
    return load_into(engine, table, what, append=append, types=types or {}, nulls=nulls)


def load_into(
    engine: EmbeddedEngine,
    table: str,
    what: Frame | PathLike | Sequence[PathLike],
    *,
    append: bool = False,
    types: Mapping[str, str],
    nulls: tuple[str, ...] = (),
) -> Loaded:
    """Do the same in a warehouse that is open."""
    options = reading_options(types=types, nulls=nulls)
    match what:
        case str() | Path():
            return load_named(engine, table, [str(what)], options, append=append)
        case list() | tuple() if all(isinstance(file, str | Path) for file in what):
            return load_named(engine, table, [str(file) for file in what], options, append=append)
        case _:
            return load_frame(engine, table, what, options, append=append)  # type: ignore[arg-type]  # it looks
