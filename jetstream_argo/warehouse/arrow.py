"""Holds rows of BigQuery's types as Arrow. Loads pyarrow, which is not needed before a query has an answer."""

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache, partial

import pyarrow as pa

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.types import Job, Result

_TYPES = {
    "STRING": pa.string(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_(), "BYTES": pa.binary(),
    "DATE": pa.date32(), "TIME": pa.time64("us"), "DATETIME": pa.timestamp("us"), "JSON": pa.string(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"), "NUMERIC": pa.decimal128(38, 9), "BIGNUMERIC": pa.decimal256(76, 38),
    "GEOGRAPHY": pa.string(),
}  # fmt: skip


@lru_cache(maxsize=4096)
def arrow_type(bigquery: str) -> pa.DataType:
    """Return the Arrow type in which values of a BigQuery type are held. JSON is text.

    >>> str(arrow_type("ARRAY<STRUCT<day DATE, n INT64>>"))
    'list<element: struct<day: date32[day], n: int64>>'

    Raises:
        Unsupported: a type that has none here.
    """
    inner = element(bigquery)
    if inner is not None:
        return pa.list_(pa.field("element", arrow_type(inner)))
    fields = members(bigquery)
    if fields:
        return pa.struct([pa.field(name, arrow_type(type_)) for name, type_ in fields])
    if bigquery not in _TYPES:
        raise Unsupported(f"values of type {bigquery} cannot be read; cast them in the query")
    return _TYPES[bigquery]


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """Return the schema of a table with these columns."""
    return pa.schema([(column.name, arrow_type(column.type)) for column in columns])


def fitted(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Return the table in the Arrow types of these columns.

    Raises:
        InvalidQuery: a number is too large for its type, as a sum of INT64 may be.
    """
    wanted = schema_of(columns)
    if table.schema.to_string() == wanted.to_string():
        return table
    try:
        return pa.Table.from_arrays(list(map(_fitted_column, table.columns, wanted.types)), schema=wanted)
    except pa.ArrowInvalid as error:
        raise InvalidQuery(f"INT64 overflow: {error}") from error


def _fitted_column(column: pa.ChunkedArray, type_: pa.DataType) -> pa.ChunkedArray:
    """Return the column in a type. What casts takes longer to load than most queries, and is needed for few.

    Types are equal whatever the elements of a list are called, which DuckDB does as it likes.
    """
    if column.type != type_:
        return column.cast(type_)
    if str(column.type) == str(type_):
        return column
    return pa.chunked_array([chunk.view(type_) for chunk in column.chunks], type_)


def table_of(columns: Sequence[Column], pages: Iterable[Sequence[Sequence[Value]]]) -> pa.Table:
    """Return rows of Python values; a page is let go before the next is asked for, as it takes many times the room."""
    schema = schema_of(columns)
    return pa.Table.from_batches(map(partial(_batch, columns, schema), pages), schema)


def _batch(columns: Sequence[Column], schema: pa.Schema, rows: Sequence[Sequence[Value]]) -> pa.RecordBatch:
    columnwise = list(zip(*rows, strict=True)) if rows else [() for _ in columns]
    arrays = [
        pa.array([_text(value) for value in values] if column.type == "JSON" else values, field.type)
        for column, values, field in zip(columns, columnwise, schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def result_of(columns: Sequence[Column], rows: Sequence[Sequence[Value]], job: Job) -> Result:
    """Return rows of Python values as the result of a job."""
    return Result(tuple(columns), table_of(columns, [rows]), job)


def _text(value: Value) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)
