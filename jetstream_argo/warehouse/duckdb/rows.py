"""Takes rows of Python values into DuckDB, as an Arrow table whose columns it casts to their types.

A number, a truth value, bytes and text go as they are; a date, a moment or a decimal goes as the text that is cast.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.warehouse.duckdb.types import duckdb_type

if TYPE_CHECKING:
    import pyarrow

Plain: TypeAlias = "str | int | float | bool | bytes | list[Plain] | dict[str, Plain] | None"

_Encode: TypeAlias = Callable[[object, str], Plain]

_FITTING: dict[str, tuple[type, ...]] = {
    "STRING": (str,), "BOOL": (bool,), "BOOLEAN": (bool,), "DATE": (date, str), "DATETIME": (datetime, str),
    "TIMESTAMP": (datetime, str), "TIME": (time, str), "NUMERIC": (Decimal, int, float, str), "BYTES": (bytes,),
}  # fmt: skip
# By DuckDB's type, the values that Arrow takes as they are.
_AS_THEY_ARE: dict[str, type] = {"VARCHAR": str, "BOOLEAN": bool, "DOUBLE": float, "BIGINT": int, "BLOB": bytes}


def arrow_table(rows: Sequence[Mapping[str, Value]], columns: Sequence[Column]) -> "pyarrow.Table":
    """Return the rows with the columns in their order; a key that a row lacks is NULL.

    Raises:
        InvalidQuery: a value does not fit its column's type, or a row has a key that is no column.
    """
    import pyarrow

    names = {column.name for column in columns}
    for number, row in enumerate(rows):
        if not row.keys() <= names:
            unknown = next(key for key in row if key not in names)
            raise InvalidQuery(f"row {number} has {unknown!r}, which is none of the columns {sorted(names)}")
    arrays = [_array(column, [row.get(column.name) for row in rows]) for column in columns]
    return pyarrow.Table.from_arrays(arrays, names=[column.name for column in columns])


def _array(column: Column, values: Sequence[Value]) -> "pyarrow.Array":
    import pyarrow

    usual = _AS_THEY_ARE.get(duckdb_type(column.type))
    plain: Sequence[object] = values
    try:
        if not set(map(type, values)) <= {usual, type(None)}:
            encode = _encoder(column.type)
            plain = [encode(value, column.name) for value in values]
        return pyarrow.array(plain, _arrow_type(column.type))
    except (ValueError, OverflowError) as error:
        raise InvalidQuery(f"{column.name}: {error}; its type is {column.type}") from error


@lru_cache(maxsize=1024)
def _arrow_type(type_: str) -> "pyarrow.DataType":
    """Return the Arrow type in which values of a BigQuery type go to DuckDB."""
    import pyarrow

    inner = element(type_)
    if inner is not None:
        return pyarrow.list_(_arrow_type(inner))
    fields = members(type_)
    if fields:
        return pyarrow.struct([pyarrow.field(name, _arrow_type(inner)) for name, inner in fields])
    arrow_types = {
        "BOOLEAN": pyarrow.bool_(),
        "DOUBLE": pyarrow.float64(),
        "BIGINT": pyarrow.int64(),
        "BLOB": pyarrow.binary(),
    }
    return arrow_types.get(duckdb_type(type_), pyarrow.string())


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
    def encode(value: object, where: str) -> Plain:
        if isinstance(value, list | tuple):
            return [item(element, where) for element in value]
        return None if value is None else _refused(value, type_, where)

    return encode


def _struct_encoder(type_: str, fields: Sequence[tuple[str, _Encode]]) -> _Encode:
    def encode(value: object, where: str) -> Plain:
        if isinstance(value, Mapping):
            return {name: inner(value.get(name), f"{where}.{name}") for name, inner in fields}
        return None if value is None else _refused(value, type_, where)

    return encode


def _scalar_encoder(type_: str, base: str) -> _Encode:
    fitting = _FITTING.get(base, ())

    def encode(value: object, where: str) -> Plain:
        if value is None:
            return None
        if fitting:
            return _text(value) if isinstance(value, fitting) else _refused(value, type_, where)
        match base, value:
            case "JSON", _:
                read = json.loads(value) if isinstance(value, str) else value
                return json.dumps(read, ensure_ascii=False, separators=(",", ":"))
            case "INT64" | "INTEGER" | "INT", int() | float() if float(value).is_integer():
                return int(value)
            case "FLOAT64", int() | float():
                return float(value)
        return _refused(value, type_, where)

    return encode


def _refused(value: object, type_: str, where: str) -> NoReturn:
    raise InvalidQuery(f"{where}: {value!r} is not of type {type_}")


def _text(value: object) -> Plain:
    match value:
        case bool() | bytes():
            return value
        case date() | time():
            return value.isoformat()
        case _:
            return str(value)
