"""Types arrays and structs that are written out, and elements of arrays."""

from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing.kinds import INT64, JSON, NULL, STRING, SqlType, array, struct
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope
from jetstream_argo.warehouse.duckdb.typing.values import Value, cast, cost, fitted, supertype

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader


def array_literal(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return an array of the elements that are written; structs without names have those of the first one."""
    values = tuple(_row(reader, item, node.expressions[0], scope) for item in node.expressions)
    inner = supertype(values) if values else NULL
    if inner.element is not None:
        raise InvalidQuery(f"an array cannot hold arrays{reader.place(node)}")
    if inner == NULL:
        items = exp.Array(expressions=[value.node for value in values])
        return Value(cast(items, array(INT64)), array(INT64), items=values)
    nodes = [cast(v.node, inner) if inner.fields and v.kind != inner else fitted(v, inner) for v in values]
    return Value(exp.Array(expressions=nodes), array(inner), items=values)


def typed_array(reader: "ExpressionReader", node: exp.Expr, kind: SqlType, scope: TypedScope) -> Value:
    """Return an array whose type is written before it."""
    inner = kind.element or NULL
    nodes = []
    for item in node.expressions:
        if inner.fields and isinstance(item, exp.Struct | exp.Tuple):
            nodes.append(typed_struct(reader, item, inner, scope).node)
        else:
            nodes.append(_as(reader, item, inner, scope))
    return Value(cast(exp.Array(expressions=nodes), kind), kind)


def typed_struct(reader: "ExpressionReader", node: exp.Expr, kind: SqlType, scope: TypedScope) -> Value:
    """Return a struct whose type is written before it."""
    items = [_unnamed(item) for item in node.expressions]
    if len(items) != len(kind.fields):
        raise InvalidQuery(f"{kind} has {len(kind.fields)} fields, not {len(items)}{reader.place(node)}")
    pairs = zip(kind.fields, items, strict=True)
    return Value(_packed([(name, _as(reader, item, field_kind, scope)) for (name, field_kind), item in pairs]), kind)


def struct_literal(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return a struct of the fields that are written. A column gives its field the column's name."""
    fields = [(_name(item), reader.read(_unnamed(item), scope)) for item in node.expressions]
    if not all(name for name, _ in fields):
        raise Unsupported(f"a field of a STRUCT without a name is not implemented; add AS name{reader.place(node)}")
    lowered = [name.lower() for name, _ in fields]
    if len(set(lowered)) < len(lowered):
        raise Unsupported(f"a STRUCT with two fields of one name is not implemented{reader.place(node)}")
    known = [(name, _definite(value)) for name, value in fields]
    kind = struct(*((name, value.kind) for name, value in fields))
    return Value(_packed([(name, value.node) for name, value in known]), kind)


def element(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return an element of an array, or a member of a JSON document."""
    base = reader.read(node.this, scope)
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise Unsupported(f"a slice of an array is not implemented by the embedded engine{reader.place(node)}")
    index = reader.read(node.expressions[0], scope)
    if base.kind == JSON and index.kind == STRING and index.text is not None:
        path = exp.Literal.string(f'$."{index.text}"')
        return Value(exp.Anonymous(this="json_extract", expressions=[base.node, path]), JSON)
    if base.kind.element is None or index.kind not in (INT64, NULL):
        raise Unsupported(f"{base.kind}[{index.kind}] is not implemented by the embedded engine{reader.place(node)}")
    name = ("safe_" if node.args.get("safe") else "") + ("at" if node.args.get("offset") == 1 else "after")
    return Value(exp.Anonymous(this=f"bq__{name}", expressions=[base.node, index.node]), base.kind.element)


def _row(reader: "ExpressionReader", item: exp.Expr, first: exp.Expr, scope: TypedScope) -> Value:
    """Return an element; one in brackets, or without names, is a struct like the first one."""
    if item is not first and isinstance(first, exp.Struct) and isinstance(item, exp.Struct | exp.Tuple):
        names = [_name(field) for field in first.expressions]
        if len(names) == len(item.expressions) and all(names):
            fields = [_unnamed(field) for field in item.expressions]
            pairs = [
                exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=field)
                for name, field in zip(names, fields, strict=True)
            ]
            item = exp.Struct(expressions=pairs)
    return reader.read(item, scope)


def _as(reader: "ExpressionReader", node: exp.Expr, kind: SqlType, scope: TypedScope) -> exp.Expr:
    value = reader.read(node, scope)
    if cost(value, kind) is None:
        raise InvalidQuery(f"{value.kind} stands where {kind} is wanted{reader.place(node)}")
    return cast(fitted(value, kind), kind)


def _definite(value: Value) -> Value:
    return Value(cast(value.node, INT64), INT64) if value.kind == NULL else value


def _packed(fields: list[tuple[str, exp.Expr]]) -> exp.Expr:
    pairs = [exp.PropertyEQ(this=exp.to_identifier(name, quoted=True), expression=node) for name, node in fields]
    return exp.Struct(expressions=pairs)


def fields_of(node: exp.Expr) -> list[exp.Expr]:
    """Return the values that are written in brackets, or in a STRUCT."""
    return [_unnamed(item) for item in node.expressions]


def _name(item: exp.Expr) -> str:
    match item:
        case exp.PropertyEQ():
            return str(item.this.name)
        case exp.Alias():
            return str(item.alias)
        case exp.Column() | exp.Dot():
            return str(item.output_name)
        case _:
            return ""


def _unnamed(item: exp.Expr) -> exp.Expr:
    match item:
        case exp.PropertyEQ(args={"expression": exp.Expr() as value}) | exp.Alias(args={"this": exp.Expr() as value}):
            return value
        case _:
            return item
