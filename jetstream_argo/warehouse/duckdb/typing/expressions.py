"""Types the expressions of a query, and writes them for DuckDB."""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.dialect.syntax import udf_call
from jetstream_argo.errors import EngineError, InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.typing import aggregates, calls, casts, nested, operators, sets
from jetstream_argo.warehouse.duckdb.typing.kinds import BOOL, BYTES, INT64, NULL, STRING, SqlType, array
from jetstream_argo.warehouse.duckdb.typing.literals import number_kind
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType, TypedScope, descend
from jetstream_argo.warehouse.duckdb.typing.setting import Setting
from jetstream_argo.warehouse.duckdb.typing.values import Value, cast, fitted, supertype

Subquery: TypeAlias = Callable[[exp.Expr, TypedScope], RowType]


class ExpressionReader:
    """Reads expressions; `subquery` reads a query that stands among them, and rewrites it in place."""

    def __init__(self, setting: Setting, subquery: Subquery) -> None:
        self.setting = setting
        self.subquery = subquery

    def read(self, node: exp.Expr, scope: TypedScope) -> Value:
        """Return the value of an expression.

        Raises:
            InvalidQuery: BigQuery would not run it.
            Unsupported: this engine would not do it as BigQuery does.
        """
        call = udf_call(node) if isinstance(node, exp.Dot | exp.Column | exp.Anonymous) else None
        if call is not None and "." in call[0]:
            return calls.own_function(self, call[0], call[1], scope)
        reader = _READERS.get(type(node))
        if reader is None or _says_more(node):
            raise Unsupported(f"{node.key.upper()} is not implemented by the embedded engine{self.place(node)}")
        return reader(self, node, scope)

    def kind(self, node: exp.Expr, wanted: SqlType, scope: TypedScope) -> exp.Expr:
        """Return an expression which must be of that type."""
        value = self.read(node, scope)
        if value.kind not in (wanted, NULL):
            raise InvalidQuery(f"{value.kind} stands where {wanted} is wanted{self.place(node)}")
        return fitted(value, wanted)

    def condition(self, node: exp.Expr, scope: TypedScope) -> exp.Expr:
        """Return a condition of which only matters whether it is true, as of WHERE and ON."""
        match node:
            case exp.And():
                return exp.And(this=self.condition(node.this, scope), expression=self.condition(node.expression, scope))
            case exp.Paren():
                return exp.Paren(this=self.condition(node.this, scope))
            case exp.EQ():
                return operators.equal_rows(self, node, scope)
        return self.kind(node, BOOL, scope)

    def common(self, nodes: Sequence[exp.Expr], scope: TypedScope) -> tuple[list[exp.Expr], SqlType]:
        """Return expressions which must have one type, as that type, and the type."""
        values = [self.read(node, scope) for node in nodes]
        try:
            kind = supertype(values)
        except InvalidQuery as error:
            raise InvalidQuery(f"{error}{self.place(nodes[0])}") from error
        return [fitted(value, kind) for value in values], kind

    def place(self, node: exp.Expr) -> str:
        """Return where in the query a node stands."""
        return self.setting.reading.place(node)


def _says_more(node: exp.Expr) -> bool:
    known = _SAID.get(type(node), _PLAIN)
    return not node.args.keys() <= known and any(part and name not in known for name, part in node.args.items())


_Read: TypeAlias = Callable[[ExpressionReader, exp.Expr, TypedScope], Value]


def _path(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    names = [part.name for part in node.parts] if isinstance(node, exp.Column) else [node.name]
    if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
        raise InvalidQuery(f"* cannot stand here{reader.place(node)}")
    try:
        return Value(node, scope.resolve(names))
    except EngineError as error:
        raise type(error)(f"{error}{reader.place(node)}") from error


def _dot(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    if not isinstance(node.expression, exp.Identifier):
        raise Unsupported(f"{node.sql('bigquery')} is not implemented by the embedded engine{reader.place(node)}")
    base = reader.read(node.this, scope)
    kind = descend(base.kind, [node.expression.name])
    return Value(exp.Dot(this=base.node, expression=node.expression), kind)


def _literal(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    text = str(node.this)
    if node.args.get("is_string"):
        return Value(node, STRING, text)
    kind = number_kind(text)
    if kind == INT64:
        return Value(cast(node, INT64), INT64, text)
    plain = exp.Literal.number(text if "e" in text.lower() else f"{text}e0")  # DuckDB reads 1.5 as a DECIMAL
    return Value(plain, kind, text)


def _raw(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    return Value(exp.Literal.string(str(node.this)), STRING, str(node.this))


def _hexadecimal(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    if not node.args.get("is_integer"):
        raise Unsupported(f"BYTES are not written in hexadecimal{reader.place(node)}")
    text = str(int(str(node.this), 16))
    return _literal(reader, exp.Literal.number(text), scope)


def _bytes(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    text = str(node.this)
    if not text.isascii() or "\\" in text:
        raise Unsupported(f"BYTES with anything but plain characters are not implemented{reader.place(node)}")
    return Value(cast(exp.Literal.string(text), BYTES), BYTES)


def _null(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    return Value(node, NULL)


def _boolean(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    return Value(node, BOOL)


def _paren(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    inner = reader.read(node.this, scope)
    return Value(exp.Paren(this=inner.node), inner.kind, inner.text, inner.items)


def _alias(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    inner = reader.read(node.this, scope)
    node.set("this", inner.node)
    return Value(node, inner.kind)


def _junction(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    sides = [reader.kind(side, BOOL, scope) for side in (node.this, node.expression)]
    return Value(type(node)(this=sides[0], expression=sides[1]), BOOL)


def _not(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    return Value(exp.Not(this=reader.kind(node.this, BOOL, scope)), BOOL)


def _negated(node: exp.Expr, found: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Paren(this=found)) if node.args.get("negate") else found


def _like(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    if node.args.get("negate") and isinstance(node.expression, exp.Any | exp.All):
        raise Unsupported(f"NOT LIKE ANY is not implemented by the embedded engine{reader.place(node)}")
    return Value(_negated(node, operators.like(reader, node, scope).node), BOOL)


def _is(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    if isinstance(node.expression, exp.Null):
        found = exp.Is(this=reader.read(node.this, scope).node, expression=node.expression)
        return Value(_negated(node, found), BOOL)
    if not isinstance(node.expression, exp.Boolean):
        raise Unsupported(f"IS {node.expression.sql('bigquery')} is not implemented{reader.place(node)}")
    found = exp.Is(this=reader.kind(node.this, BOOL, scope), expression=node.expression)
    return Value(_negated(node, found), BOOL)


def _if(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    condition = reader.kind(node.this, BOOL, scope)
    last = node.args.get("false")
    if last is None:
        raise InvalidQuery(f"IF has three arguments{reader.place(node)}")
    (true, false), kind = reader.common([node.args["true"], last], scope)
    return Value(exp.Case(ifs=[exp.If(this=condition, true=true)], default=false), kind)


def _case(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    branches, subject = node.args["ifs"], node.args.get("this")
    if subject is None:
        tests = [reader.kind(branch.this, BOOL, scope) for branch in branches]
    else:
        equal = [exp.EQ(this=subject.copy(), expression=branch.this) for branch in branches]
        tests = [operators.compared(reader, test, scope).node for test in equal]
    default = node.args.get("default")
    results = [branch.args["true"] for branch in branches] + ([default] if default is not None else [])
    fitting, kind = reader.common(results, scope)
    ifs = [exp.If(this=test, true=true) for test, true in zip(tests, fitting, strict=False)]
    return Value(exp.Case(ifs=ifs, default=fitting[-1] if default is not None else None), kind)


def _scalar_subquery(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    array = sets.counted_array(node)
    if array is not None:
        value = reader.read(array.copy(), scope)
        if sets.is_countable(value.kind):
            return Value(sets.count_distinct(value.node), INT64)
    return Value(node, reader.subquery(node, scope).only())


def _exists(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    reader.subquery(node.this, scope)
    return Value(node, BOOL)


def _array(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    first = node.expressions[0] if node.expressions else None
    if isinstance(first, exp.Query | exp.Subquery):
        return Value(node, array(reader.subquery(first, scope).only()))
    return nested.array_literal(reader, node, scope)


def _current_date(reader: ExpressionReader, node: exp.Expr, scope: TypedScope) -> Value:
    return calls.call(reader, exp.Anonymous(this=_CURRENT[type(node)], expressions=[]), scope)


_CURRENT: dict[type[exp.Expr], str] = {
    exp.CurrentDate: "CURRENT_DATE", exp.CurrentTimestamp: "CURRENT_TIMESTAMP", exp.CurrentDatetime: "CURRENT_DATETIME",
}  # fmt: skip

_PLAIN = frozenset({"this", "expression", "expressions"})
_QUERY = {"alias", "with_", "kind", "distinct", "from_", "joins", "where", "group", "having", "qualify", "windows",
          "order", "limit", "offset"}  # fmt: skip
# What may be said in a node beside this; whatever else is said in one would be lost.
_BESIDE: dict[type[exp.Expr], set[str]] = {
    exp.Column: {"table", "db", "catalog"}, exp.Identifier: {"quoted"}, exp.Literal: {"is_string"},
    exp.Alias: {"alias"}, exp.If: {"true", "false"}, exp.Case: {"ifs", "default"}, exp.Is: {"negate"},
    exp.Like: {"negate"}, exp.In: {"query", "unnest"}, exp.Between: {"low", "high"}, exp.Div: {"typed", "safe"},
    exp.Cast: {"to", "format"}, exp.TryCast: {"to", "format", "safe"}, exp.DPipe: {"safe"},
    exp.Array: {"bracket_notation", "struct_name_inheritance", "value_constructor"}, exp.Bracket: {"offset", "safe"},
    exp.Window: {"partition_by", "order", "spec", "alias", "over"}, exp.HexString: {"is_integer"},
    exp.ByteString: {"is_bytes"}, exp.Subquery: _QUERY, exp.Select: _QUERY, exp.Union: _QUERY, exp.Except: _QUERY,
    exp.Intersect: _QUERY,
}  # fmt: skip
_SAID: dict[type[exp.Expr], frozenset[str]] = {node: _PLAIN | words for node, words in _BESIDE.items()}

_READERS: dict[type[exp.Expr], _Read] = {
    exp.Column: _path, exp.Identifier: _path, exp.Dot: _dot, exp.Literal: _literal, exp.RawString: _raw,
    exp.HexString: _hexadecimal, exp.ByteString: _bytes, exp.Null: _null, exp.Boolean: _boolean, exp.Paren: _paren,
    exp.Alias: _alias, exp.And: _junction, exp.Or: _junction, exp.Not: _not, exp.Is: _is, exp.If: _if, exp.Case: _case,
    exp.Subquery: _scalar_subquery, exp.Select: _scalar_subquery, exp.SetOperation: _scalar_subquery,
    exp.Union: _scalar_subquery, exp.Except: _scalar_subquery, exp.Intersect: _scalar_subquery, exp.Exists: _exists,
    exp.Array: _array, exp.CurrentDate: _current_date,
    exp.CurrentTimestamp: _current_date, exp.CurrentDatetime: _current_date,
    exp.Anonymous: calls.call, exp.SafeFunc: calls.safe_call, exp.Extract: calls.extract, exp.Window: aggregates.window,
    exp.Cast: casts.cast_as, exp.TryCast: casts.cast_as, exp.Struct: nested.struct_literal, exp.Bracket: nested.element,
    exp.In: operators.contained, exp.Between: operators.between, exp.Like: _like,
    **dict.fromkeys(operators.BINARY, operators.binary), **dict.fromkeys(operators.UNARY, operators.unary),
    **dict.fromkeys(operators.COMPARISONS, operators.compared),
}  # fmt: skip
