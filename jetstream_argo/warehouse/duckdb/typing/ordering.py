"""The order of rows. In BigQuery NaN comes after NULL and before all numbers, in DuckDB last."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing.kinds import FLOAT64
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader


def ordered(
    reader: "ExpressionReader", keys: Sequence[exp.Expr], scope: TypedScope, *, several: bool = True
) -> list[exp.Expr]:
    """Return the keys of an ORDER BY for DuckDB; two for a FLOAT64, if `several` are possible."""
    result: list[exp.Expr] = []
    for key in keys:
        node = key.this
        if isinstance(node, exp.Literal) and not node.is_string:
            result.append(key)  # the number of a column
            continue
        value = reader.read(node, scope)
        if value.kind.fields or value.kind.element is not None or value.kind.name == "JSON":
            raise InvalidQuery(f"{value.kind} has no order{reader.place(node)}")
        key.set("this", value.node)
        if value.kind == FLOAT64:
            if not several:
                raise Unsupported(f"DISTINCT in the order of FLOAT64 is not implemented{reader.place(node)}")
            is_number = exp.Not(this=exp.Anonymous(this="isnan", expressions=[value.node.copy()]))
            result.append(exp.Ordered(**{**key.args, "this": is_number}))
        result.append(key)
    return result
