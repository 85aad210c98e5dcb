"""Values of a query: the expression for DuckDB with its type, and how one type becomes another without a CAST."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.types import duckdb_type
from jetstream_argo.warehouse.duckdb.typing.kinds import (
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    NULL,
    NUMERIC,
    STRING,
    TIME,
    TIMESTAMP,
    UNKNOWN,
    SqlType,
    array,
    struct,
)
from jetstream_argo.warehouse.duckdb.typing.literals import read, zone_of

_COSTS = {
    (INT64, FLOAT64): 2, (INT64, NUMERIC): 3, (NUMERIC, FLOAT64): 4, (DATE, DATETIME): 2,
}  # fmt: skip
_LITERAL_COSTS = {
    (STRING, DATE): 1, (STRING, DATETIME): 1, (STRING, TIMESTAMP): 1, (STRING, TIME): 1, (FLOAT64, NUMERIC): 1,
    (INT64, FLOAT64): 1, (INT64, NUMERIC): 1,
}  # fmt: skip
_NUMBERS = (INT64, NUMERIC, FLOAT64)


@dataclass(frozen=True, slots=True)
class Value:
    """An expression of DuckDB's, and its type.

    `text` is what a literal says, which BigQuery also takes for a date or a NUMERIC where one is wanted; `items` are
    the elements of an array that is written out.
    """

    node: exp.Expr
    kind: SqlType
    text: str | None = None
    items: tuple["Value", ...] | None = None


def cost(value: Value, kind: SqlType) -> int | None:
    """Return how far the value's type is from another, 0 for the same; None where it does not become it by itself.

    Raises:
        Unsupported: the value's type is not known.
    """
    if value.kind == kind or value.kind == NULL:
        return 0
    if value.kind.holds(UNKNOWN.name):
        raise Unsupported("the type of a value is not known; say what its function `returns`, or CAST it")
    if value.items is not None and kind.element is not None:
        costs = [cost(item, kind.element) for item in value.items]
        return None if None in costs else max((c for c in costs if c is not None), default=0)
    if value.text is not None and (value.kind, kind) in _LITERAL_COSTS:
        return _LITERAL_COSTS[value.kind, kind]
    if value.kind.fields and len(value.kind.fields) == len(kind.fields):
        pairs = zip(value.kind.fields, kind.fields, strict=True)
        return 0 if all(had in (wanted, NULL) for (_, had), (_, wanted) in pairs) else None
    return _COSTS.get((value.kind, kind))


def fitted(value: Value, kind: SqlType) -> exp.Expr:
    """Return the expression for the value as one of a type that it becomes by itself."""
    if value.kind == kind:
        return value.node
    if value.kind == NULL:
        return cast(value.node, kind)
    if value.items is not None and kind.element is not None:
        inner = kind.element
        return cast(exp.Array(expressions=[fitted(item, inner) for item in value.items]), kind)
    if value.text is not None:
        return literal(value.text, kind)
    return cast(value.node, kind)


def literal(text: str, kind: SqlType) -> exp.Expr:
    """Return the literal that a text stands for where a value of that type is wanted."""
    if kind == FLOAT64:
        return exp.Literal.number(f"{text}e0")
    if kind == TIMESTAMP:
        local, zone = zone_of(text)
        if zone:
            arguments = [exp.Var(this=read(local, DATETIME)), exp.Literal.string(zone)]
            return exp.Anonymous(this="bq__from_zone", expressions=arguments)
    return exp.Var(this=read(text, kind))


def cast(node: exp.Expr, kind: SqlType) -> exp.Expr:
    """Return a cast of DuckDB's."""
    return exp.Cast(this=node, to=_duckdb(str(kind)).copy())


def supertype(values: Sequence[Value]) -> SqlType:
    """Return the type that all values become by themselves where they must have one.

    Raises:
        InvalidQuery: there is none.
    """
    kinds = list(dict.fromkeys(value.kind for value in values if value.kind != NULL))
    if len(kinds) < 2:  # noqa: PLR2004  # nothing to choose from
        return kinds[0] if kinds else NULL
    firm = list(dict.fromkeys(value.kind for value in values if value.text is None and value.kind != NULL))
    for wanted in sorted(firm or kinds, key=_rank):
        if all(cost(value, wanted) is not None for value in values):
            return wanted
    for wanted in sorted(kinds, key=_rank):
        if all(cost(value, wanted) is not None for value in values):
            return wanted
    if all(kind.fields and len(kind.fields) == len(kinds[0].fields) for kind in kinds):
        return _structs(values)
    if all(kind.element is not None for kind in kinds):
        return array(supertype([Value(v.node, v.kind.element or NULL) for v in values if v.kind != NULL]))
    raise InvalidQuery(f"{' and '.join(map(str, kinds))} have no type in common; CAST them to one")


def _rank(kind: SqlType) -> int:
    return _NUMBERS.index(kind) if kind in _NUMBERS else 0


def _structs(values: Sequence[Value]) -> SqlType:
    rows = [value.kind.fields for value in values if value.kind != NULL]
    fields = []
    for column in zip(*rows, strict=True):
        name = next((name for name, _ in column if name), "")
        fields.append((name, supertype([Value(exp.Null(), kind) for _, kind in column])))
    return struct(*fields)


@lru_cache(maxsize=1024)
def _duckdb(kind: str) -> exp.DataType:
    known = re.sub(rf"\b{NULL.name}\b", INT64.name, kind)
    return exp.DataType.build(duckdb_type(known), dialect="duckdb")
