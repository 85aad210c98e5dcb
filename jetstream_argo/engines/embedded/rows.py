"""How rows of Python values go into DuckDB: as one JSON document, which needs no other library."""

import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeAlias

from jetstream_argo.engines.embedded.types import duckdb_type
from jetstream_argo.engines.protocol import Column, Value
from jetstream_argo.engines.type_names import element, members
from jetstream_argo.errors import InvalidQuery

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

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
        unknown = [key for key in row if key not in names]
        if unknown:
            raise InvalidQuery(f"row {number} has {unknown[0]!r}, which is none of the columns {sorted(names)}")
    return json.dumps([{c.name: _encoded(row.get(c.name), c.type, c.name) for c in columns} for row in rows])


def structure(columns: Sequence[Column]) -> str:
    """Return what DuckDB's from_json must be told of the document."""
    return json.dumps([{column.name: _structure(column.type) for column in columns}])


def _structure(type_: str) -> Json:
    inner = element(type_)
    if inner is not None:
        return [_structure(inner)]
    fields = members(type_)
    if fields:
        return {name: _structure(of) for name, of in fields}
    return "VARCHAR" if type_.upper() == "BYTES" else duckdb_type(type_)


def _encoded(value: object, type_: str, where: str) -> Json:
    upper = type_.strip().upper()
    if value is None:
        return None
    if upper.startswith("ARRAY<") and isinstance(value, list | tuple):
        return [_encoded(item, type_.strip()[6:-1], where) for item in value]
    if upper.startswith("STRUCT<") and isinstance(value, Mapping):
        return {name: _encoded(value.get(name), inner, f"{where}.{name}") for name, inner in members(type_)}
    match upper.partition("(")[0], value:
        case "JSON", _:
            return json.loads(value) if isinstance(value, str) else json.loads(json.dumps(value))  # type: ignore[no-any-return]  # JSON it is
        case "INT64" | "INTEGER" | "INT", int() | float() if float(value).is_integer():
            return int(value)
        case "FLOAT64", int() | float():
            return float(value) if math.isfinite(value) else str(value)
        case base, _ if isinstance(value, _FITTING.get(base, ())):
            return _text(value)
    raise InvalidQuery(f"{where}: {value!r} is not of type {type_}")


def _text(value: object) -> Json:
    match value:
        case bool() | str():
            return value
        case date() | time():
            return value.isoformat()
        case bytes():
            return b64encode(value).decode()
        case _:
            return str(value)
