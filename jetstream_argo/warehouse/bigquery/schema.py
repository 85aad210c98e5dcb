"""Writes our columns as BigQuery's schema, and reads them back from it."""

import re
from collections.abc import Iterable, Sequence

from google.cloud.bigquery import SchemaField

from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery

# The API answers in the names of BigQuery's first dialect.
_STANDARD = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
_PARAMETERS = re.compile(r"\(.*\)")


def columns_of(schema: Iterable[SchemaField]) -> tuple[Column, ...]:
    """Return a schema as columns."""
    return tuple(Column(field.name, type_of(field)) for field in schema)


def type_of(field: SchemaField) -> str:
    """Return a field's type as SQL writes it, without parameters such as those of NUMERIC(10, 2)."""
    inner = _STANDARD.get(field.field_type, field.field_type)
    if inner in {"RECORD", "STRUCT"}:
        inner = f"STRUCT<{', '.join(f'{part.name} {type_of(part)}' for part in field.fields)}>"
    return f"ARRAY<{inner}>" if field.mode == "REPEATED" else inner


def fields_of(columns: Sequence[Column]) -> list[SchemaField]:
    """Return columns as a schema in which every column may be NULL.

    Raises:
        InvalidQuery: a type that cannot be read.
    """
    fields = []
    for column in columns:
        try:
            fields.append(field_of(column.name, column.type))
        except InvalidQuery as error:
            raise InvalidQuery(f"column {column.name!r} is {column.type}: {error}") from error
    return fields


def field_of(name: str, type_: str) -> SchemaField:
    """Return the field of that name and SQL type.

    >>> field_of("x", "ARRAY<STRUCT<a INT64, b STRING>>").mode
    'REPEATED'
    """
    inner = element(type_)
    if inner is not None and element(inner) is not None:
        raise InvalidQuery("BigQuery has no arrays of arrays: put a STRUCT between them")
    single, mode = (type_, "NULLABLE") if inner is None else (inner, "REPEATED")
    fields = members(single)
    if fields:
        return SchemaField(name, "RECORD", mode=mode, fields=tuple(field_of(*field) for field in fields))
    return SchemaField(name, _PARAMETERS.sub("", single).strip().upper(), mode=mode)
