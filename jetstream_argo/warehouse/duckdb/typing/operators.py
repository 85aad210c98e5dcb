"""Types operators: by their signatures, like functions, and comparisons by the type that their sides share."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.signatures.catalog import signatures_of
from jetstream_argo.warehouse.duckdb.typing.arithmetic import CHAINED, Chain, joined
from jetstream_argo.warehouse.duckdb.typing.bodies import computed
from jetstream_argo.warehouse.duckdb.typing.kinds import BOOL, FLOAT64, INT64, NULL, STRING, SqlType
from jetstream_argo.warehouse.duckdb.typing.matching import Match, best
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope
from jetstream_argo.warehouse.duckdb.typing.values import Value, fitted, supertype

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader

BINARY: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.DPipe: "||", exp.BitwiseAnd: "&", exp.BitwiseOr: "|",
    exp.BitwiseXor: "^", exp.BitwiseLeftShift: "<<", exp.BitwiseRightShift: ">>",
}  # fmt: skip
UNARY: dict[type[exp.Expr], str] = {exp.Neg: "-x", exp.BitwiseNot: "~"}
COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "!=", exp.LT: "<", exp.LTE: "<=", exp.GT: ">", exp.GTE: ">=",
    exp.NullSafeEQ: "IS-NOT-DISTINCT-FROM", exp.NullSafeNEQ: "IS-DISTINCT-FROM",
}  # fmt: skip


def binary(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what an operator with two sides gives."""
    chains: dict[int, Chain] = {}
    value = _binary(reader, node, scope, chains)
    chain = chains.get(id(value.node))
    return value if chain is None else Value(chain.checked(), FLOAT64)


def _binary(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope, chains: dict[int, Chain]) -> Value:
    if not isinstance(node, CHAINED):
        return _operator(reader, BINARY[type(node)], node, [node.this, node.expression], scope)
    sides = [_side(reader, side, scope, chains) for side in (node.this, node.expression)]
    match = best(signatures_of(BINARY[type(node)]), [node.this, node.expression], sides.__getitem__)
    if match is None or match.result != FLOAT64:
        return _operator(reader, BINARY[type(node)], node, [node.this, node.expression], scope, read=sides)
    return joined(node, sides[0], sides[1], chains, check=reader.setting.checks_overflow)


def _side(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope, chains: dict[int, Chain]) -> Value:
    inner = node.unnest()
    if isinstance(inner, exp.Interval):
        return Value(inner, SqlType("INTERVAL"))
    return _binary(reader, inner, scope, chains) if isinstance(inner, CHAINED) else reader.read(node, scope)


def unary(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what an operator before its operand gives; a number with a minus is still a literal."""
    inner = node.this
    if isinstance(node, exp.Neg) and isinstance(inner, exp.Literal) and not inner.is_string:
        value = reader.read(inner, scope) if inner.this != str(2**63) else Value(_smallest(), INT64, inner.this)
        return Value(exp.Neg(this=value.node), value.kind, f"-{value.text}") if inner.this != str(2**63) else value
    return _operator(reader, UNARY[type(node)], node, [inner], scope)


def _smallest() -> exp.Expr:
    return exp.Paren(this=exp.Var(this=f"CAST('{-(2**63)}' AS BIGINT)"))


def _operator(
    reader: "ExpressionReader",
    name: str,
    node: exp.Expr,
    sides: list[exp.Expr],
    scope: TypedScope,
    *,
    read: Sequence[Value] = (),
) -> Value:
    from jetstream_argo.warehouse.duckdb.typing.calls import CallArguments, unmatched

    arguments = CallArguments(reader, sides, scope, read=read)
    match = best(signatures_of(name), sides, arguments.value)
    if match is None:
        raise unmatched(reader, name, arguments, node)
    given = arguments.fitted(match)
    if match.signature.body.removeprefix("! ") != "natural":
        return Value(computed(reader.setting.registry, match, given), match.result)
    parts = [_wrapped(side) for _, side in given]
    rebuilt = type(node)(this=parts[0], expression=parts[1]) if len(parts) > 1 else type(node)(this=parts[0])
    return Value(rebuilt, match.result)


def _wrapped(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Neg | exp.Case | exp.Binary) else node


def compared(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return a comparison. DuckDB takes NaN for a number that is larger than all others and equal to itself."""
    if isinstance(node, exp.EQ | exp.NEQ) and is_row(node.this) and is_row(node.expression):
        same = _same_rows(reader, node.this, node.expression, scope)
        return Value(exp.Not(this=same) if isinstance(node, exp.NEQ) else same, BOOL)
    left, right, kind = _sides(reader, node, scope)
    return Value(_comparison(reader, node, left, right, kind), BOOL)


def is_row(node: exp.Expr) -> bool:
    """Whether several values are written in brackets, or a STRUCT of them."""
    return isinstance(node.unnest(), exp.Tuple | exp.Struct)


def _same_rows(reader: "ExpressionReader", left: exp.Expr, right: exp.Expr, scope: TypedScope) -> exp.Expr:
    """Return whether all fields are equal: FALSE if two are not, else NULL if one is."""
    from jetstream_argo.warehouse.duckdb.typing.nested import fields_of

    fields, others = fields_of(left.unnest()), fields_of(right.unnest())
    if len(fields) != len(others):
        raise InvalidQuery(f"{len(fields)} values are compared with {len(others)}{reader.place(left)}")
    equal = [
        compared(reader, exp.EQ(this=field.copy(), expression=other), scope).node
        for field, other in zip(fields, others, strict=True)
    ]
    return exp.Paren(this=exp.and_(*equal, copy=False)) if len(equal) > 1 else exp.Paren(this=equal[0])


def equal_rows(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> exp.Expr:
    """Return an equation as a condition of a join, which DuckDB can hash; a condition beside it says that NaN is not
    NaN.
    """
    left, right, kind = _sides(reader, node, scope)
    if kind != FLOAT64 or _is_plain(node):
        return _comparison(reader, node, left, right, kind)
    number = exp.Not(this=exp.Anonymous(this="isnan", expressions=[right.copy()]))
    return exp.Paren(this=exp.And(this=exp.EQ(this=left, expression=right), expression=number))


def _sides(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> tuple[exp.Expr, exp.Expr, SqlType]:
    (left, right), kind = reader.common([node.this, node.expression], scope)
    return left, right, kind


def _comparison(reader: "ExpressionReader", node: exp.Expr, left: exp.Expr, right: exp.Expr, kind: SqlType) -> exp.Expr:
    name = COMPARISONS[type(node)]
    found = signature_for(name, kind, 2)
    if found is None:
        raise Unsupported(f"{kind} {name} {kind} is not implemented by the embedded engine{reader.place(node)}")
    if found.signature.body == "natural" or _is_plain(node):
        return type(node)(this=_wrapped(left), expression=_wrapped(right))
    return computed(reader.setting.registry, found, [(0, left), (1, right)])


@lru_cache(maxsize=1024)
def signature_for(name: str, kind: SqlType, count: int) -> Match | None:
    """Return the match of so many arguments of one type, which is all there is to comparisons."""
    values = [Value(exp.Null(), FLOAT64 if kind == NULL else kind)] * count
    found = best(signatures_of(name), [exp.Null()] * count, values.__getitem__)
    return found if found is None or found.wanted(0) in (kind, FLOAT64 if kind == NULL else kind) else None


def _is_plain(node: exp.Expr) -> bool:
    """Whether a side is a number as it is written and the comparison is false for NaN in DuckDB, too."""
    right, left = _is_number(node.expression), _is_number(node.this)
    match node:
        case exp.EQ():
            return right or left
        case exp.LT() | exp.LTE():
            return right
        case exp.GT() | exp.GTE():
            return left
    return False


def _is_number(node: exp.Expr) -> bool:
    return isinstance(constant(node), int | float)


def between(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return BETWEEN: two comparisons."""
    low, high = node.args["low"], node.args["high"]
    (value, *bounds), kind = reader.common([node.this, low, high], scope)
    if signature_for("BETWEEN", kind, 3) is None:
        raise Unsupported(f"{kind} BETWEEN is not implemented by the embedded engine{reader.place(node)}")
    if kind == FLOAT64 and not (_is_number(low) and _is_number(high)):
        lower = _comparison(reader, exp.LTE(this=low, expression=node.this), bounds[0], value, kind)
        upper = _comparison(reader, exp.LTE(this=node.this, expression=high), value.copy(), bounds[1], kind)
        return Value(exp.Paren(this=exp.And(this=lower, expression=upper)), BOOL)
    return Value(exp.Between(this=_wrapped(value), low=_wrapped(bounds[0]), high=_wrapped(bounds[1])), BOOL)


def contained(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return IN: a list, an array or a subquery."""
    array = node.args.get("unnest")
    if array is not None:
        return _in_array(reader, node, array.expressions[0], scope)
    query = node.args.get("query")
    if query is not None:
        value, kind = reader.read(node.this, scope), reader.subquery(query, scope).only()
        if kind != value.kind or kind == FLOAT64 or signature_for("IN", kind, 2) is None:
            raise Unsupported(f"{value.kind} IN a query of {kind} is not implemented{reader.place(node)}")
        return Value(exp.In(this=value.node, query=query), BOOL)
    if is_row(node.this) and all(map(is_row, node.expressions)):
        rows = [_same_rows(reader, node.this, row, scope) for row in node.expressions]
        return Value(exp.Paren(this=exp.or_(*rows, copy=False)) if len(rows) > 1 else rows[0], BOOL)
    (value_node, *items), kind = reader.common([node.this, *node.expressions], scope)
    if kind == FLOAT64 and not all(_is_number(item) for item in node.expressions):
        return Value(_equal_to_any(reader, node, value_node, items), BOOL)
    if signature_for("IN", kind, 2) is None:
        raise Unsupported(f"{kind} IN is not implemented by the embedded engine{reader.place(node)}")
    return Value(exp.In(this=_wrapped(value_node), expressions=items), BOOL)


def _equal_to_any(reader: "ExpressionReader", node: exp.Expr, value: exp.Expr, items: list[exp.Expr]) -> exp.Expr:
    """Return whether a float that may be NaN, which is equal to nothing, is equal to one of several."""
    equal = [
        _comparison(reader, exp.EQ(this=node.this, expression=written), value.copy(), item, FLOAT64)
        for written, item in zip(node.expressions, items, strict=True)
    ]
    result = equal[0]
    for other in equal[1:]:
        result = exp.Or(this=result, expression=other)
    return exp.Paren(this=result)


def _in_array(reader: "ExpressionReader", node: exp.Expr, array: exp.Expr, scope: TypedScope) -> Value:
    value, items = reader.read(node.this, scope), reader.read(array, scope)
    inner = items.kind.element
    if inner is None:
        raise InvalidQuery(f"IN UNNEST needs an array, not {items.kind}{reader.place(node)}")
    written = items.items is not None and all(item.text is not None for item in items.items)
    kind = supertype([value, *(items.items if items.items is not None else [Value(exp.Null(), inner)])])
    if signature_for("IN", kind, 2) is None or (kind == FLOAT64 and not written) or (kind != inner and not items.items):
        raise Unsupported(f"{value.kind} IN UNNEST({items.kind}) is not implemented{reader.place(node)}")
    given = fitted(items, SqlType("ARRAY", kind))
    return Value(exp.Anonymous(this="bq__in_array", expressions=[fitted(value, kind), given]), BOOL)


def like(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return LIKE, also with ANY or ALL of several patterns."""
    text, pattern = reader.kind(node.this, STRING, scope), node.expression
    if isinstance(node.this.unnest(), exp.Null) or isinstance(pattern.unnest(), exp.Null):
        raise InvalidQuery(f"LIKE does not take NULL{reader.place(node)}")
    if not isinstance(pattern, exp.Any | exp.All):
        return Value(_like(reader, text, pattern, scope), BOOL)
    patterns = pattern.this.unnest().expressions if isinstance(pattern.this, exp.Tuple) else [pattern.this.unnest()]
    if any(isinstance(candidate, exp.Query | exp.Unnest) for candidate in patterns):
        raise Unsupported(f"LIKE ANY of a query is not implemented by the embedded engine{reader.place(node)}")
    junction = exp.Or if isinstance(pattern, exp.Any) else exp.And
    first, *rest = [_like(reader, text.copy(), candidate, scope) for candidate in patterns]
    for other in rest:
        first = junction(this=first, expression=other)
    return Value(exp.Paren(this=first), BOOL)


def _like(reader: "ExpressionReader", text: exp.Expr, pattern: exp.Expr, scope: TypedScope) -> exp.Expr:
    written = constant(pattern)
    node = exp.Like(this=text, expression=reader.kind(pattern, STRING, scope))
    if isinstance(written, str) and "\\" not in written:
        return node
    return exp.Escape(this=node, expression=exp.Literal.string("\\"))
