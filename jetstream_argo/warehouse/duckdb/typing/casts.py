"""Types CAST and SAFE_CAST, and literals with their type before them."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.errors import Unsupported
from jetstream_argo.warehouse.duckdb.signatures.catalog import signatures_of
from jetstream_argo.warehouse.duckdb.typing.bodies import computed
from jetstream_argo.warehouse.duckdb.typing.kinds import NULL, NUMERIC, UNKNOWN, SqlType, kind_of
from jetstream_argo.warehouse.duckdb.typing.matching import best
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope
from jetstream_argo.warehouse.duckdb.typing.values import Value, cast, cost, fitted, literal

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader

_LONG_FRACTION = re.compile(r"\.\d{10}")
_TIMES = ("DATE", "DATETIME", "TIMESTAMP", "TIME")


def cast_as(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what CAST gives; `DATE '2026-05-04'` is a CAST of a text, too."""
    safe = isinstance(node, exp.TryCast)
    if node.args.get("format") is not None:
        raise Unsupported(f"CAST with FORMAT is not implemented by the embedded engine{reader.place(node)}")
    kind = _target(reader, node)
    if kind.element is not None or kind.fields:
        return _nested(reader, node, kind, scope)
    value = reader.read(node.this, scope)
    if value.kind == NULL:
        return Value(cast(value.node, kind), kind)
    text = constant(node.this)
    if kind.name in _TIMES and isinstance(text, str) and not safe:
        return Value(literal(text, kind), kind)
    if kind == NUMERIC and isinstance(text, str) and not safe and _LONG_FRACTION.search(text):
        raise Unsupported(f"a NUMERIC with more than 9 digits after the point is not implemented{reader.place(node)}")
    if value.kind == kind:
        return Value(value.node, kind)
    if value.kind == UNKNOWN:
        raise Unsupported(
            f"a value of unknown type cannot be CAST; say what its function `returns`{reader.place(node)}"
        )
    match = best(signatures_of(f"CAST_AS_{kind.name}"), [node.this], lambda _: Value(value.node, value.kind))
    if match is None or match.wanted(0) != value.kind:
        raise Unsupported(
            f"CAST of {value.kind} AS {kind} is not among the signatures that the embedded engine implements"
            f"{reader.place(node)}; docs/signatures.md lists them"
        )
    return Value(computed(reader.setting.registry, match, [(0, value.node)], safe=safe), kind)


def _target(reader: "ExpressionReader", node: exp.Expr) -> SqlType:
    to = node.args["to"]
    text = to.sql("bigquery")
    if to.find(exp.DataTypeParam) is not None:
        raise Unsupported(f"type {text} with a size is not implemented by the embedded engine{reader.place(node)}")
    kind = _kind(text)
    for name in ("BIGNUMERIC", "INTERVAL", "GEOGRAPHY", "RANGE"):
        if kind.holds(name):
            raise Unsupported(f"{name} is not implemented by the embedded engine{reader.place(node)}")
    return kind


@lru_cache(maxsize=256)
def _kind(text: str) -> SqlType:
    return kind_of(text)


def _nested(reader: "ExpressionReader", node: exp.Expr, kind: SqlType, scope: TypedScope) -> Value:
    """Return an array or struct whose type is written before it; nothing else is cast to such a type."""
    from jetstream_argo.warehouse.duckdb.typing import nested

    inner = node.this
    if isinstance(inner, exp.Null):
        return Value(cast(inner, kind), kind)
    if kind.fields and isinstance(inner, exp.Struct | exp.Tuple):
        return nested.typed_struct(reader, inner, kind, scope)
    if (
        kind.element is not None
        and isinstance(inner, exp.Array)
        and not isinstance(next(iter(inner.expressions), None), exp.Query | exp.Subquery)
    ):
        return nested.typed_array(reader, inner, kind, scope)
    value = reader.read(inner, scope)
    if cost(value, kind) is None:
        raise Unsupported(
            f"CAST of {value.kind} AS {kind} is not implemented by the embedded engine{reader.place(node)}"
        )
    return Value(fitted(value, kind), kind)
