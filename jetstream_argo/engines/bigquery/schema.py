"""How our columns are written as BigQuery's schema, and read back from it."""

import re
from collections.abc import Iterable, Iterator, Sequence

from google.cloud.bigquery import SchemaField

from jetstream_argo.engines.protocol import Column
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
    return [field_of(column.name, column.type) for column in columns]


def field_of(name: str, type_: str) -> SchemaField:
    """Return the field of that name and SQL type.

    >>> field_of("x", "ARRAY<STRUCT<a INT64, b STRING>>").mode
    'REPEATED'
    """
    text = type_.strip()
    mode = "NULLABLE"
    element = _inside(text, "ARRAY")
    if element is not None:
        text, mode = element, "REPEATED"
        if _inside(text, "ARRAY") is not None:
            raise InvalidQuery(
                f"column {name!r} is {type_}; BigQuery has no arrays of arrays: put a STRUCT between them"
            )
    members = _inside(text, "STRUCT")
    if members is None:
        return SchemaField(name, _PARAMETERS.sub("", text).strip().upper(), mode=mode)
    parts = [part.strip().split(maxsplit=1) for part in _split(members)]
    if any(len(part) < 2 for part in parts):  # noqa: PLR2004  # name and type
        raise InvalidQuery(f"column {name!r} is {type_}; every field of a STRUCT needs a name and a type")
    return SchemaField(name, "RECORD", mode=mode, fields=tuple(field_of(field.strip("`"), of) for field, of in parts))


def _inside(text: str, constructor: str) -> str | None:
    head, bracket, rest = text.partition("<")
    if bracket and head.strip().upper() == constructor and rest.rstrip().endswith(">"):
        return rest.rstrip()[:-1].strip()
    return None


def _split(text: str) -> Iterator[str]:
    depth = start = 0
    for position, character in enumerate(text):
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
