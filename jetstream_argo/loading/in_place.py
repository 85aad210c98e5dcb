"""Tables of the embedded warehouse that are read where the user's files lie."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from jetstream_argo.errors import ConfigError, InvalidQuery, Problem, nearest
from jetstream_argo.loading.load import Loaded, describe_loaded
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.incoming.finding import found_files, path_literal
from jetstream_argo.warehouse.duckdb.incoming.model import Format, ReadOptions
from jetstream_argo.warehouse.duckdb.incoming.table import Incoming, incoming
from jetstream_argo.warehouse.duckdb.incoming.typed_files import typed_reading
from jetstream_argo.warehouse.duckdb.pointer import ExternalRows
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal

_DATABASES = (".duckdb", ".ddb", ".db")


def load_in_place(engine: EmbeddedEngine, table: str, named: Sequence[str], options: ReadOptions) -> Loaded:
    """Make a table of Parquet files, a folder of them, or a table in a file of DuckDB's, and copy nothing.

    A table of a database is named `FILE:TABLE`; without `:TABLE` it is called as the table that is made. Whatever is
    changed in the files later, and what is added to a folder, is seen by the next query.

    Raises:
        ConfigError: something else is named; it cannot be read; or its columns have no type of BigQuery's.
    """
    if len(named) == 1 and _database(named[0]) is not None:
        place, shown = _in_database(engine, table, named[0]), named[0]
    else:
        place, shown = _parquet(named, options), ", ".join(named)
    engine.intake.attach(place)
    described = engine.intake.rows(f"DESCRIBE {place.sql}")
    found = incoming([typed_reading(place.sql, described, shown)], options, engine.intake)
    final = ExternalRows(found.sql, place.paths, place.database, place.alias)
    engine.intake.register(final, [loaded_column.column for loaded_column in found.columns], table)
    return describe_loaded(
        engine, table, Incoming(found.sql, found.rows, found.columns, found.notes), f"{shown}, read in place"
    )


def _parquet(named: Sequence[str], options: ReadOptions) -> ExternalRows:
    files = found_files(named, format_=options.format)
    for file in files:
        if file.format is not Format.PARQUET:
            what = "cannot be read in place: only Parquet and DuckDB files can; load it without --in-place"
            raise ConfigError(file.shown, [Problem("", what)])
    paths = [Path(name).resolve() for name in named]
    if not all(path.is_dir() for path in paths):  # patterns: the files that there are now
        paths = [file.path.resolve() for file in files]
    read = ", ".join(_pattern(path) for path in paths)
    options_ = "hive_partitioning = true, hive_types_autocast = false, union_by_name = true"
    return ExternalRows(f"SELECT * FROM read_parquet([{read}], {options_})", tuple(map(str, paths)))


def _pattern(path: Path) -> str:
    written = path_literal(path)
    return f"{written[:-1]}/**/*.parquet'" if path.is_dir() else written


def _database(named: str) -> tuple[Path, str] | None:
    """Return the file of a database, and the table in it if one is named."""
    for text, inner in ((named, ""), named.rpartition(":")[::2]):
        path = Path(text)
        if path.suffix in _DATABASES and path.is_file():
            return path.resolve(), inner
    return None


def _in_database(engine: EmbeddedEngine, table: str, named: str) -> ExternalRows:
    found = _database(named)
    if found is None:
        raise ConfigError(named, [Problem("", "there is no such file")])
    path, inner = found
    alias = f"in_place_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    wanted = inner or table.rpartition(".")[2]
    place = ExternalRows("", (str(path),), str(path), alias)
    try:
        engine.intake.attach(place)
    except InvalidQuery as error:
        raise ConfigError(named, [Problem("", f"cannot be read as a database of DuckDB's: {error}")]) from error
    schema, _, name = wanted.rpartition(".")
    tables = [
        str(row[0])
        for row in engine.intake.rows(
            f"SELECT table_name FROM information_schema.tables WHERE table_catalog = {text_literal(alias)} "
            f"AND table_schema = {text_literal(schema or 'main')} ORDER BY 1"
        )
    ]
    if name not in tables:
        advice = nearest(name, tables) or f"; it has {', '.join(tables) or 'none'}"
        raise ConfigError(named, [Problem("", f"has no table {name!r}{advice}; name it, as FILE:TABLE")])
    where = ".".join(map(quoted, (alias, schema or "main", name)))
    return ExternalRows(f"SELECT * FROM {where}", (str(path),), str(path), alias)
