"""Reads files that know their types: Parquet, and JSON, whose values show whether they are numbers or texts."""

import gzip
import json
from functools import partial
from typing import Protocol

from jetstream_argo.errors import ConfigError, InvalidQuery, Problem, Transient
from jetstream_argo.warehouse.duckdb.incoming.finding import path_literal
from jetstream_argo.warehouse.duckdb.incoming.model import Content, Field, File, IncomingQuery, ReadOptions
from jetstream_argo.warehouse.duckdb.incoming.names import column_names
from jetstream_argo.warehouse.duckdb.types import quoted, text_literal

_NUMBERS = ("UBIGINT", "BIGINT", "DOUBLE", "HUGEINT")
_WHOLE = {"UBIGINT": "BIGINT", "HUGEINT": "BIGINT"}  # inside of what is nested


class Asking(Protocol):
    """What answers DuckDB's own SQL."""

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""
        ...


def json_reading(file: File, options: ReadOptions, asking: Asking) -> IncomingQuery:
    """Return how to read a file of JSON objects, one a line or in an array; numbers are read as they are written.

    Raises:
        ConfigError: it is not JSON, or its rows are no objects.
    """
    packed = ", compression = 'gzip'" if file.is_packed else ""
    path = path_literal(file.path)
    objects = f"read_json_objects({path}, format = 'auto'{packed})"
    try:
        structure = asking.rows(f"SELECT json_group_structure(json) FROM {objects}")[0][0]
    except (InvalidQuery, Transient) as error:
        text = str(error).partition("Malformed JSON in file ")[2].partition('", ')[2] or str(error)
        raise ConfigError(file.shown, [Problem("", f"is not JSON, an object a line: {text.strip()}")]) from error
    found = json.loads(str(structure)) if structure is not None else None
    if not isinstance(found, dict) or not found:
        raise ConfigError(file.shown, [Problem("", "holds no JSON objects; write one a line, or an array of them")])
    if "" in found:
        raise ConfigError(file.shown, [Problem("", "has objects with a key that is empty; give it a name")])
    names = column_names(list(found), file.shown)
    fields = tuple(_json_field(name, key, found[key]) for name, key in zip(names, found, strict=True))
    columns = ", ".join(f"{text_literal(field.written)}: {text_literal(field.type)}" for field in fields)
    rows = f"read_json({path}, format = 'auto', columns = {{{columns}}}{packed})"
    selected = ", ".join(f"{quoted(field.written)} AS {quoted(field.name)}" for field in fields)
    return IncomingQuery(
        file.shown, f"SELECT {selected} FROM {rows}", fields, partial(_json_place, file), _renamed(fields)
    )


def parquet_reading(file: File, asking: Asking) -> IncomingQuery:
    """Return how to read a Parquet file; folders such as `day=2026-05-04` above it are columns.

    Raises:
        ConfigError: it is not Parquet.
    """
    rows = f"read_parquet({path_literal(file.path)}, hive_partitioning = true, hive_types_autocast = false)"
    try:
        described = asking.rows(f"DESCRIBE SELECT * FROM {rows}")
    except (InvalidQuery, Transient) as error:
        raise ConfigError(file.shown, [Problem("", f"is not a Parquet file: {error}")]) from error
    from pyarrow.parquet import read_schema

    column_names(read_schema(file.path).names, file.shown)  # DuckDB would rename what differs by case only
    return typed_reading(f"SELECT * FROM {rows}", described, file.shown)


def typed_reading(sql: str, described: list[tuple[object, ...]], shown: str) -> IncomingQuery:
    """Return how to read rows that have types; `described` are the names and types of their columns.

    Raises:
        ConfigError: its columns' names cannot be used.
    """
    written = [str(row[0]) for row in described]
    names = column_names(written, shown)
    fields = tuple(
        Field(name, old, Content.WORDS if str(row[1]) == "VARCHAR" else Content.TYPED, str(row[1]))
        for name, old, row in zip(names, written, described, strict=True)
    )
    selected = ", ".join(f"{quoted(field.written)} AS {quoted(field.name)}" for field in fields)
    return IncomingQuery(shown, f"SELECT {selected} FROM ({sql})", fields, _row, _renamed(fields))


def _row(number: int) -> str:
    return f"row {number}"


def _renamed(fields: tuple[Field, ...]) -> tuple[str, ...]:
    return tuple(f"{field.written!r} is called {field.name}" for field in fields if field.written != field.name)


def _json_field(name: str, written: str, structure: object) -> Field:
    match structure:
        case "VARCHAR" | "JSON":
            return Field(name, written, Content.WORDS)
        case str() if structure in _NUMBERS:
            return Field(name, written, Content.NUMBERS)
        case "NULL":
            return Field(name, written, Content.WORDS)
        case _:
            return Field(name, written, Content.TYPED, _nested(structure))


def _nested(structure: object) -> str:
    match structure:
        case dict():
            return f"STRUCT({', '.join(f'{quoted(name)} {_nested(inner)}' for name, inner in structure.items())})"
        case [inner]:
            return f"{_nested(inner)}[]"
        case "NULL":
            return "VARCHAR"
        case _:
            return _WHOLE.get(str(structure), str(structure))


def _json_place(file: File, number: int) -> str:
    """Return the line of the file that holds an object; objects in an array are counted."""
    objects = 0
    with gzip.open(file.path, "rt") if file.is_packed else file.path.open(encoding="utf-8-sig") as lines:
        for place, line in enumerate(lines, start=1):
            if not objects and line.lstrip().startswith("["):
                break
            objects += bool(line.strip())
            if objects == number:
                return f"line {place}"
    return f"object {number}"
