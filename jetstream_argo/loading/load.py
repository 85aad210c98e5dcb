"""Puts files or a data frame into a table of the embedded warehouse, and says what was made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.loading.dates import Dates, dates_of
from jetstream_argo.terminal.plural import counted
from jetstream_argo.warehouse.connect import EmbeddedSettings, open_embedded, settings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.incoming.finding import found_files
from jetstream_argo.warehouse.duckdb.incoming.model import File, IncomingQuery, ReadOptions
from jetstream_argo.warehouse.duckdb.incoming.names import column_names
from jetstream_argo.warehouse.duckdb.incoming.table import Incoming, incoming, readings_of
from jetstream_argo.warehouse.duckdb.incoming.typed_files import typed_reading
from jetstream_argo.warehouse.frames import Frame, arrow_of
from jetstream_argo.warehouse.types import Layout, Write

MANY_ROWS = 2_000_000
_LABELS = {"loaded": "true"}


@dataclass(frozen=True, slots=True)
class LoadedColumn:
    """A column as it was loaded: BigQuery's type, its dates if it has any, and what people should know of it."""

    name: str
    type: str
    dates: Dates | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Loaded:
    """What became of files or a frame: a table in a folder, `rows` of them new."""

    table: str
    folder: Path
    rows: int
    source: str
    columns: tuple[LoadedColumn, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def lines(self) -> Iterator[str]:
        """Yield what to tell people: the table, and each column with what was inferred."""
        yield f"{self.table}: {counted(self.rows, 'row')} from {self.source}, into {self.folder}"
        name = max(len(column.name) for column in self.columns)
        type_ = max(len(column.type) for column in self.columns)
        for column in self.columns:
            dates = (f"{column.dates}",) if column.dates is not None else ()
            about = "; ".join((*dates, *column.notes))
            yield f"  {column.name:<{name}}  {column.type:<{type_}}  {about}".rstrip()
        for note in self.notes:
            yield f"  note: {note}"


def embedded(warehouse: str) -> EmbeddedEngine:
    """Return the embedded warehouse that an address names.

    Raises:
        ConfigError: it names none, or BigQuery, which has a loader of its own.
    """
    match settings(warehouse):
        case EmbeddedSettings() as found:
            return open_embedded(found)
        case _:
            what = "is not embedded: load into BigQuery with `bq load`, and give the table's name to the experiment"
            raise ConfigError(warehouse, [Problem("", what)])


def load_files(
    engine: EmbeddedEngine, table: str, files: Sequence[File], options: ReadOptions, *, append: bool = False
) -> Loaded:
    """Replace a table by what is in files, or add that to it.

    Raises:
        ConfigError: a file cannot be read, or a value not as the type that is asked for; the message says which.
        InvalidQuery: the table has no such name, or is a view.
    """
    if not files:
        raise ConfigError(table, [Problem("", "is to be loaded from no file; name some")])
    names = [file.shown for file in files]
    source = names[0] if len(names) == 1 else f"{len(names)} files, {names[0]} … {names[-1]}"
    return _loaded(engine, table, readings_of(files, options, engine.intake), options, source, append=append)


def load_named(
    engine: EmbeddedEngine, table: str, named: Sequence[str], options: ReadOptions, *, append: bool = False
) -> Loaded:
    """Do the same with files by name, pattern or folder."""
    return load_files(engine, table, found_files(named, format_=options.format), options, append=append)


def load_frame(
    engine: EmbeddedEngine, table: str, frame: Frame, options: ReadOptions, *, append: bool = False
) -> Loaded:
    """Do the same with a data frame of pandas, polars or Arrow, or whatever else offers Arrow's stream."""
    shown = f"the {type(frame).__module__.partition('.')[0]} frame for {table}"
    table_of_frame = arrow_of(frame, shown)
    column_names(table_of_frame.column_names, shown)  # DuckDB would rename what differs by case only
    with engine.intake.frame(table_of_frame) as rows:
        reading = typed_reading(rows, engine.intake.rows(f"DESCRIBE {rows}"), shown)
        return _loaded(engine, table, [reading], options, "a data frame", append=append)


def _loaded(
    engine: EmbeddedEngine,
    table: str,
    readings: Sequence[IncomingQuery],
    options: ReadOptions,
    source: str,
    *,
    append: bool,
) -> Loaded:
    info = engine.info(table)
    there = {column.name: column.type for column in info.columns} if info is not None and append else {}
    found = incoming(readings, options, engine.intake, there=there)
    if not found.rows:
        raise ConfigError(readings[0].shown, [Problem("", "has columns and no rows; there is nothing to load")])
    columns = [incoming_column.column for incoming_column in found.columns]
    write = Write.APPEND if append else Write.TRUNCATE
    engine.intake.write(found.sql, columns, table, write=write, layout=_layout(columns, found))
    return describe_loaded(engine, table, found, source)


def describe_loaded(engine: EmbeddedEngine, table: str, found: Incoming, source: str) -> Loaded:
    """Return what became of the rows that are in a table now, with the dates that it has."""
    dates = dates_of(engine, table, [incoming_column.column for incoming_column in found.columns])
    columns = tuple(
        LoadedColumn(
            incoming_column.column.name,
            incoming_column.column.type,
            dates.get(incoming_column.column.name),
            incoming_column.notes,
        )
        for incoming_column in found.columns
    )
    return Loaded(table, engine.root, found.rows, source, columns, found.notes)


def _layout(columns: Sequence[Column], found: Incoming) -> Layout:
    """Return how the table is stored: a small one in the order of its date, so that dates which were loaded before are
    known again by their rows; a large one by date, so that nobody has to look at the rows to know which have changed.
    """
    day = next((column.name for column in columns if column.type == "DATE"), None)
    if day is None:
        return Layout(labels=_LABELS)
    if found.rows > MANY_ROWS:
        return Layout(partition_by=day, labels=_LABELS)
    return Layout(cluster_by=(day,), labels=_LABELS)
