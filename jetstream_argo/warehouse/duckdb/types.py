"""Writes BigQuery's types in DuckDB, and reads them back."""

import re
from collections.abc import Iterable
from functools import lru_cache

from jetstream_argo.dialect.inference.types import field_name
from jetstream_argo.dialect.type_names import element, members, named
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery, Unsupported

_TO_DUCKDB = {
    "STRING": "VARCHAR", "BYTES": "BLOB", "BOOL": "BOOLEAN", "BOOLEAN": "BOOLEAN", "FLOAT64": "DOUBLE",
    "INT64": "BIGINT", "INTEGER": "BIGINT", "INT": "BIGINT", "NUMERIC": "DECIMAL(38, 9)", "DECIMAL": "DECIMAL(38, 9)",
    "DATE": "DATE", "DATETIME": "TIMESTAMP", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE", "TIME": "TIME", "JSON": "JSON",
}  # fmt: skip
_TO_BIGQUERY = {
    "VARCHAR": "STRING", "BLOB": "BYTES", "BOOLEAN": "BOOL", "DOUBLE": "FLOAT64", "FLOAT": "FLOAT64", "DATE": "DATE",
    "TIMESTAMP": "DATETIME", "TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "TIME": "TIME", "JSON": "JSON", "UUID": "STRING",
    '"NULL"': "INT64", "NULL": "INT64",
    **dict.fromkeys(
        "TINYINT SMALLINT INTEGER BIGINT HUGEINT UTINYINT USMALLINT UINTEGER UBIGINT UHUGEINT".split(),
        "INT64",
    ),
}  # fmt: skip
_CAPITAL = re.compile(r"[A-Z^]")


@lru_cache(maxsize=4096)
def duckdb_type(bigquery: str) -> str:
    """Return DuckDB's name for a BigQuery type.

    >>> duckdb_type("ARRAY<STRUCT<key STRING, value INT64>>")
    'STRUCT("key" VARCHAR, "value" BIGINT)[]'

    Raises:
        InvalidQuery: there is no such type.
        Unsupported: the type exists and this engine cannot store it.
    """
    inner = element(bigquery)
    if inner is not None:
        return f"{duckdb_type(inner)}[]"
    fields = members(bigquery)
    if fields:
        return "STRUCT(" + ", ".join(f"{quoted(name)} {duckdb_type(type_)}" for name, type_ in fields) + ")"
    base = bigquery.strip().upper().partition("(")[0]
    if base in {"GEOGRAPHY", "INTERVAL", "BIGNUMERIC", "BIGDECIMAL", "RANGE"}:
        raise Unsupported(f"type {bigquery} cannot be stored by the embedded engine")
    if base not in _TO_DUCKDB:
        raise InvalidQuery(f"{bigquery!r} is not a type of BigQuery")
    return _TO_DUCKDB[base]


@lru_cache(maxsize=4096)
def bigquery_type(duckdb: str) -> str:
    """Return BigQuery's name for a DuckDB type; every whole number is INT64.

    >>> bigquery_type("STRUCT(x INTEGER, y VARCHAR)[]")
    'ARRAY<STRUCT<x INT64, y STRING>>'

    Raises:
        Unsupported: BigQuery has no such type.
    """
    text = duckdb.strip()
    if text.endswith("[]"):
        return f"ARRAY<{bigquery_type(text[:-2])}>"
    if text.startswith("STRUCT("):
        fields = (f"{field_name(name)} {bigquery_type(type_)}" for name, type_ in named(text[7:-1]))
        return f"STRUCT<{', '.join(fields)}>"
    if text.startswith("DECIMAL("):
        return "NUMERIC"
    if text not in _TO_BIGQUERY:
        raise Unsupported(f"a result of DuckDB's type {duckdb} has no type in BigQuery")
    return _TO_BIGQUERY[text]


def casts(columns: Iterable[Column]) -> str:
    """Return the select list that gives columns these types: a NUMERIC is rounded to its nine decimals."""
    return ", ".join(f"CAST({quoted(c.name)} AS {duckdb_type(c.type)}) AS {quoted(c.name)}" for c in columns)


def quoted(name: str) -> str:
    """Return a DuckDB identifier in quotes."""
    return '"' + name.replace('"', '""') + '"'


def relation(table: str) -> str:
    """Return the name under which DuckDB knows a table. DuckDB ignores case, so capitals are marked.

    >>> relation("p.d.Events")
    'p.d.^events'
    """
    return _CAPITAL.sub(lambda letter: "^" + letter[0].lower(), table)


def text_literal(value: str) -> str:
    """Return a DuckDB string literal."""
    return "'" + value.replace("'", "''") + "'"
