"""The types of values, as values that can be compared: BigQuery's, and two that only a query's text has."""

from dataclasses import dataclass
from functools import lru_cache

from jetstream_argo.dialect.inference.types import field_name
from jetstream_argo.dialect.type_names import element, members

_ALIASES = {"INT": "INT64", "INTEGER": "INT64", "BIGINT": "INT64", "SMALLINT": "INT64", "TINYINT": "INT64",
            "BYTEINT": "INT64", "BOOLEAN": "BOOL", "DECIMAL": "NUMERIC", "BIGDECIMAL": "BIGNUMERIC"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type: a scalar's name, ARRAY with its element, or STRUCT with its fields."""

    name: str
    element: "SqlType | None" = None
    fields: tuple[tuple[str, "SqlType"], ...] = ()

    def __str__(self) -> str:
        if self.element is not None:
            return f"ARRAY<{self.element}>"
        if self.name == "STRUCT":
            return f"STRUCT<{', '.join(f'{field_name(name)} {kind}'.strip() for name, kind in self.fields)}>"
        return self.name

    def field(self, name: str) -> "SqlType | None":
        """Return the type of a struct's field; names are compared without case."""
        lowered = name.lower()
        return next((kind for known, kind in self.fields if known.lower() == lowered), None)

    def holds(self, name: str) -> bool:
        """Return whether the type is, or has somewhere inside, the scalar of that name."""
        inner = (self.element,) if self.element is not None else tuple(kind for _, kind in self.fields)
        return self.name == name or any(kind.holds(name) for kind in inner)


BOOL, INT64, FLOAT64, NUMERIC, STRING, BYTES = map(SqlType, "BOOL INT64 FLOAT64 NUMERIC STRING BYTES".split())
DATE, DATETIME, TIMESTAMP, TIME, JSON = map(SqlType, "DATE DATETIME TIMESTAMP TIME JSON".split())
NULL = SqlType("NULL")  # of NULL as it is written, which may become anything
UNKNOWN = SqlType("unknown type")  # of what a function gives that does not say so


def array(element: SqlType) -> SqlType:
    """Return the type of arrays of such elements."""
    return SqlType("ARRAY", element)


def struct(*fields: tuple[str, SqlType]) -> SqlType:
    """Return the type of structs with these fields."""
    return SqlType("STRUCT", None, fields)


@lru_cache(maxsize=4096)
def kind_of(bigquery: str) -> SqlType:
    """Return the type of that name.

    >>> kind_of("ARRAY<STRUCT<a INTEGER, b NUMERIC(10, 2)>>")
    SqlType(name='ARRAY', element=SqlType(name='STRUCT', element=None, fields=(('a', SqlType(name='INT64', \
element=None, fields=())), ('b', SqlType(name='NUMERIC', element=None, fields=())))), fields=())
    """
    inner = element(bigquery)
    if inner is not None:
        return array(kind_of(inner))
    fields = members(bigquery)
    if fields:
        return struct(*((name, kind_of(type_)) for name, type_ in fields))
    name = bigquery.strip().upper().partition("(")[0].strip()
    return SqlType(_ALIASES.get(name, name))
