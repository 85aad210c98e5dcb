"""Makes a table of files and frames: the query for its rows, its columns, and what people should know."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from jetstream_argo.errors import ConfigError, EngineError, InvalidQuery, Problem, Transient, nearest
from jetstream_argo.warehouse.duckdb.incoming.csv_files import csv_reading, explained
from jetstream_argo.warehouse.duckdb.incoming.inference import InferredColumn, Odd, infer
from jetstream_argo.warehouse.duckdb.incoming.model import (
    Content,
    Field,
    File,
    Format,
    IncomingQuery,
    Inferred,
    ReadOptions,
    Wish,
)
from jetstream_argo.warehouse.duckdb.incoming.typed_files import Asking, json_reading, parquet_reading
from jetstream_argo.warehouse.duckdb.types import duckdb_type, quoted


@dataclass(frozen=True, slots=True)
class Incoming:
    """Rows that are ready to be written: DuckDB's query for them, and what was inferred, a column after the other.

    `notes` are about the files as they are.
    """

    sql: str
    rows: int
    columns: tuple[Inferred, ...]
    notes: tuple[str, ...]


def readings_of(files: Sequence[File], options: ReadOptions, asking: Asking) -> tuple[IncomingQuery, ...]:
    """Return how to read each of the files.

    Raises:
        ConfigError: one cannot be read, or is of other columns than the first.
    """
    readings = tuple(_reading(file, options, asking) for file in files)
    if files[0].format is Format.CSV:
        for reading in readings[1:]:
            _check_columns(readings[0], reading)
    return readings


def incoming(
    readings: Sequence[IncomingQuery], options: ReadOptions, asking: Asking, *, there: Mapping[str, str] | None = None
) -> Incoming:
    """Return the table that readings make together; `there` are the types of columns that it has already.

    Raises:
        ConfigError: a value cannot be read as the type that was asked for, or that the table has; or it has two
            meanings; the message has its file, line and column.
    """
    sql = " UNION ALL BY NAME ".join(f"({reading.sql})" for reading in readings)
    try:
        fields = _fields(readings, sql, asking)
        options = _by_name(options, fields, readings[0].shown)
        verdicts = infer(asking, sql, fields, options, readings[0].shown)
        if there:
            verdicts = _as_there(verdicts, fields, there, sql, options, asking, readings[0].shown)
    except (InvalidQuery, Transient) as error:
        raise _of_a_file(readings, error, asking) from error
    rows = int(str(asking.rows(f"SELECT COUNT(*) FROM ({sql})")[0][0]))
    columns = tuple(_described(verdict, readings, asking) for verdict in verdicts)
    selected = ", ".join(
        f"{loaded_column.expression} AS {quoted(loaded_column.column.name)}" for loaded_column in columns
    )
    notes = tuple(dict.fromkeys(note for reading in readings for note in reading.notes))
    return Incoming(f"SELECT {selected} FROM ({sql})", rows, columns, notes)


def _reading(file: File, options: ReadOptions, asking: Asking) -> IncomingQuery:
    match file.format:
        case Format.CSV:
            return csv_reading(file, options)
        case Format.JSON:
            return json_reading(file, options, asking)
        case Format.PARQUET:
            return parquet_reading(file, asking)


def _check_columns(first: IncomingQuery, other: IncomingQuery) -> None:
    names, others = ({field.name for field in reading.fields} for reading in (first, other))
    if names != others:
        lacking, new = sorted(names - others), sorted(others - names)
        parts = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has {', '.join(new)} beside them"] * bool(new)
        what = f"has other columns than {first.shown}: it {' and '.join(parts)}; load it by itself, with --append"
        raise ConfigError(other.shown, [Problem("line 1", what)])


def _fields(readings: Sequence[IncomingQuery], sql: str, asking: Asking) -> tuple[Field, ...]:
    """Return the columns of all readings: what one of them has as text and another as numbers is text."""
    found: dict[str, set[Content]] = {}
    written: dict[str, str] = {}
    for reading in readings:
        for field in reading.fields:
            found.setdefault(field.name, set()).add(field.content)
            written.setdefault(field.name, field.written)
    types = {str(row[0]): str(row[1]) for row in asking.rows(f"DESCRIBE {sql}")}
    fields = []
    for name, contents in found.items():
        content = next(iter(contents)) if len(contents) == 1 else Content.TYPED
        if content is Content.TYPED and types[name] == "VARCHAR":
            content = Content.WORDS
        fields.append(Field(name, written[name], content, types[name]))
    return tuple(fields)


def _by_name(options: ReadOptions, fields: Sequence[Field], shown: str) -> ReadOptions:
    """Return the options with types by the names under which columns are loaded, where they are by those of the file.

    Raises:
        ConfigError: a type is given for a column that is not there.
    """
    names = [field.name for field in fields]
    written = {field.written.strip(): field.name for field in fields}
    types = {}
    for name, wish in options.types.items():
        own = name if name in names else written.get(name)
        if own is None:
            known = nearest(name, names) or f"; there are {', '.join(names)[:200]}"
            raise ConfigError(shown, [Problem("", f"has no column {name!r}, for which a type is given{known}")])
        types[own] = wish
    return replace(options, types=types)


def _as_there(
    verdicts: Sequence[InferredColumn],
    fields: Sequence[Field],
    there: Mapping[str, str],
    sql: str,
    options: ReadOptions,
    asking: Asking,
    shown: str,
) -> tuple[InferredColumn, ...]:
    """Return the verdicts with columns of the types that a table has already, where it has them."""
    types = {name.lower(): type_ for name, type_ in there.items()}
    others = [
        field
        for field, verdict in zip(fields, verdicts, strict=True)
        if (type_ := types.get(field.name.lower())) is not None
        and duckdb_type(type_) != duckdb_type(verdict.inferred.column.type)
    ]
    if not others:
        return tuple(verdicts)
    wishes = {field.name: Wish(types[field.name.lower()]) for field in others}
    known = {name: wish for name, wish in options.types.items() if name not in wishes}
    again = infer(asking, sql, others, replace(options, types={**known, **wishes}), shown)
    instead = {field.name: verdict for field, verdict in zip(others, again, strict=True)}
    return tuple(instead.get(verdict.inferred.column.name, verdict) for verdict in verdicts)


def _described(verdict: InferredColumn, readings: Sequence[IncomingQuery], asking: Asking) -> Inferred:
    odd = verdict.odd
    if odd is None:
        return verdict.inferred
    shown, place, value = _first(odd, readings, asking)
    what = odd.what.replace("{value!r}", repr(value)[:80])
    if odd.stops:
        raise ConfigError(shown, [Problem(f"{place}, column {odd.field.written}", what)])
    return replace(verdict.inferred, notes=(*verdict.inferred.notes, f"{what} ({shown}, {place})"))


def _first(odd: Odd, readings: Sequence[IncomingQuery], asking: Asking) -> tuple[str, str, object]:
    """Return in which reading, at which place, the first odd value is, and what it is."""
    name = quoted(odd.field.name)
    for reading in readings:
        if any(field.name == odd.field.name for field in reading.fields):
            rows = asking.rows(
                f"SELECT _record, {name} FROM (SELECT row_number() OVER () AS _record, {name} FROM ({reading.sql})) "
                f"WHERE {odd.condition} ORDER BY _record LIMIT 1"
            )
            if rows:
                return reading.shown, reading.place(int(str(rows[0][0]))), rows[0][1]
    raise InvalidQuery(f"column {odd.field.name!r} has odd values that cannot be found again; the files have changed")


def _of_a_file(readings: Sequence[IncomingQuery], error: EngineError, asking: Asking) -> ConfigError:
    """Return the error with the file that it is about: the first that cannot be read by itself."""
    for reading in readings:
        try:
            asking.rows(f"SELECT COUNT(COLUMNS(*)) FROM ({reading.sql})")
        except (InvalidQuery, Transient) as own:
            if isinstance(own, Transient):
                return ConfigError(reading.shown, [Problem("", f"cannot be read: {own}")])
            is_text = any(field.content is Content.TEXT for field in reading.fields)
            return ConfigError(reading.shown, [explained(str(own)) if is_text else Problem("", str(own))])
    return ConfigError(readings[0].shown, [Problem("", str(error))])
