"""Takes rows of Python values into DuckDB: as one JSON document, which needs no other library."""

import json
import math
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import NoReturn, TypeAlias

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.warehouse.duckdb.types import duckdb_type

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

_Encode: TypeAlias = Callable[[object, str], Json]

_FITTING: dict[str, tuple[type, ...]] = {
    "STRING": (str,), "BOOL": (bool,), "BOOLEAN": (bool,), "DATE": (date, str), "DATETIME": (datetime, str),
    "TIMESTAMP": (datetime, str), "TIME": (time, str), "NUMERIC": (Decimal, int, float, str), "BYTES": (bytes,),
}  # fmt: skip


def document(rows: Sequence[Mapping[str, Value]], columns: Sequence[Column]) -> str:
    """Return the rows as JSON; a key that a row lacks is null.

    Raises:
        InvalidQuery: a value does not fit its column's type, or a row has a key that is no column.
    """
    names = {column.name for column in columns}
    for number, row in enumerate(rows):
        if not row.keys() <= names:
            unknown = next(key for key in row if key not in names)
            raise InvalidQuery(f"row {number} has {unknown!r}, which is none of the columns {sorted(names)}")
    encoders = [(column.name, _encoder(column.type)) for column in columns]
    return json.dumps([{name: encode(row.get(name), name) for name, encode in encoders} for row in rows])


def structure(columns: Sequence[Column]) -> str:
    """Return the structure of the document, as DuckDB's from_json needs it."""
    return json.dumps([{column.name: _structure(column.type) for column in columns}])


def _structure(type_: str) -> Json:
    inner = element(type_)
    if inner is not None:
        return [_structure(inner)]
    fields = members(type_)
    if fields:
        return {name: _structure(type_) for name, type_ in fields}
    return "VARCHAR" if type_.upper() == "BYTES" else duckdb_type(type_)


@lru_cache(maxsize=1024)
def _encoder(type_: str) -> _Encode:
    """Return the encoder for values of a type; the column's name is for its errors."""
    bare = type_.strip()
    if bare.upper().startswith("ARRAY<"):
        return _array_encoder(type_, _encoder(bare[6:-1]))
    if bare.upper().startswith("STRUCT<"):
        return _struct_encoder(type_, [(name, _encoder(inner)) for name, inner in members(type_)])
    return _scalar_encoder(type_, bare.upper().partition("(")[0])


def _array_encoder(type_: str, item: _Encode) -> _Encode:
    def encode(value: object, where: str) -> Json:
        if isinstance(value, list | tuple):
            return [item(element, where) for element in value]
        return None if value is None else _refused(value, type_, where)

    return encode


def _struct_encoder(type_: str, fields: Sequence[tuple[str, _Encode]]) -> _Encode:
    def encode(value: object, where: str) -> Json:
        if isinstance(value, Mapping):
            return {name: inner(value.get(name), f"{where}.{name}") for name, inner in fields}
        return None if value is None else _refused(value, type_, where)

    return encode


def _scalar_encoder(type_: str, base: str) -> _Encode:
    fitting = _FITTING.get(base, ())

    def encode(value: object, where: str) -> Json:
        if value is None:
            return None
        if fitting:
            return _text(value) if isinstance(value, fitting) else _refused(value, type_, where)
        match base, value:
            case "JSON", _:
                return json.loads(value) if isinstance(value, str) else json.loads(json.dumps(value))  # type: ignore[no-any-return]  # JSON it is
            case "INT64" | "INTEGER" | "INT", int() | float() if float(value).is_integer():
                return int(value)
            case "FLOAT64", int() | float():
                return float(value) if math.isfinite(value) else str(value)
        return _refused(value, type_, where)

    return encode


def _refused(value: object, type_: str, where: str) -> NoReturn:
    raise InvalidQuery(f"{where}: {value!r} is not of type {type_}")


def _text(value: object) -> Json:
    match value:
        case str() | bool():
            return value
        case date() | time():
            return value.isoformat()
        case bytes():
            return b64encode(value).decode()
        case _:
            return str(value)
