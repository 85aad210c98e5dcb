"""How rows of the REST API become Arrow batches. Loads pyarrow: import it only where rows leave in bulk."""

import json
from collections.abc import Sequence

import pyarrow as pa
from google.cloud.bigquery import SchemaField

from jetstream_argo.engines.bigquery.schema import type_of
from jetstream_argo.engines.protocol import Value
from jetstream_argo.errors import Unsupported

_TYPES = {
    "STRING": pa.string(), "INT64": pa.int64(), "FLOAT64": pa.float64(), "BOOL": pa.bool_(), "BYTES": pa.binary(),
    "DATE": pa.date32(), "TIME": pa.time64("us"), "DATETIME": pa.timestamp("us"), "JSON": pa.string(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"), "NUMERIC": pa.decimal128(38, 9), "BIGNUMERIC": pa.decimal256(76, 38),
    "GEOGRAPHY": pa.string(),
}  # fmt: skip


def arrow_type(field: SchemaField) -> pa.DataType:
    """Return the Arrow type of a field's values.

    Raises:
        Unsupported: a type that has none here.
    """
    if field.fields:
        inner: pa.DataType = pa.struct([pa.field(part.name, arrow_type(part)) for part in field.fields])
    else:
        name = type_of(field).removeprefix("ARRAY<").removesuffix(">")
        if name not in _TYPES:
            raise Unsupported(f"column {field.name!r} is {name}, which cannot be read as Arrow; cast it in the query")
        inner = _TYPES[name]
    return pa.list_(inner) if field.mode == "REPEATED" else inner


def batch(schema: Sequence[SchemaField], rows: Sequence[tuple[Value, ...]]) -> pa.RecordBatch:
    """Return rows as one batch with the schema's columns."""
    columns = list(zip(*rows, strict=True)) if rows else [() for _ in schema]
    arrays = [
        pa.array([_text(value) for value in column] if field.field_type == "JSON" else column, arrow_type(field))
        for field, column in zip(schema, columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([(field.name, arrow_type(field)) for field in schema]))


def _text(value: Value) -> str | None:
    return None if value is None else json.dumps(value)
