"""Types calls of functions: BigQuery's by their signatures, others by what they say that they compute."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.errors import InvalidQuery, Unsupported, nearest
from jetstream_argo.warehouse.duckdb.errors import line_of
from jetstream_argo.warehouse.duckdb.signatures.catalog import by_name, signatures_of
from jetstream_argo.warehouse.duckdb.signatures.model import Option
from jetstream_argo.warehouse.duckdb.typing import aggregates, own
from jetstream_argo.warehouse.duckdb.typing.bodies import computed, option_literal
from jetstream_argo.warehouse.duckdb.typing.kinds import TIMESTAMP, SqlType
from jetstream_argo.warehouse.duckdb.typing.matching import Match, best
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope
from jetstream_argo.warehouse.duckdb.typing.values import Value, fitted, literal

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader


def call(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what a call of a function of BigQuery's gives."""
    name = reader.setting.reading.name(node).upper() if isinstance(node, exp.Anonymous) else ""
    entry = by_name().get(_SAME.get(name, name))
    if entry is None:
        raise refusal(reader, name, node)
    if "aggregate" in entry.words or "window" in entry.words:
        return aggregates.aggregate(reader, entry, node, scope, window=None)
    return matched(reader, entry.name, node.expressions, scope, node)


def safe_call(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what a call with SAFE. before it gives: NULL where the function fails, not where an argument does."""
    inner = node.this
    name = reader.setting.reading.name(inner).upper() if isinstance(inner, exp.Anonymous) else inner.key.upper()
    entry = by_name().get(_SAME.get(name, name))
    if entry is None or {"aggregate", "window", "operator"} & set(entry.words):
        raise refusal(reader, f"SAFE.{name}", node)
    return matched(reader, entry.name, inner.expressions, scope, inner, safe=True)


def extract(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what EXTRACT gives."""
    moment = node.expression
    if isinstance(moment, exp.AtTimeZone):
        return matched(reader, "EXTRACT", [node.this, moment.this, moment.args["zone"]], scope, node)
    return matched(reader, "EXTRACT", [node.this, moment], scope, node)


def matched(
    reader: "ExpressionReader",
    name: str,
    nodes: Sequence[exp.Expr],
    scope: TypedScope,
    whole: exp.Expr,
    *,
    safe: bool = False,
) -> Value:
    """Return the call of the signature that fits.

    Raises:
        Unsupported: none does.
    """
    if name == "ARRAY_CONCAT" and any(isinstance(node.unnest(), exp.Null) for node in nodes):
        raise InvalidQuery(f"ARRAY_CONCAT needs arrays, not NULL{reader.place(whole)}")
    text = constant(nodes[0]) if name == "TIMESTAMP" and len(nodes) == 1 and not safe else None
    if isinstance(text, str):
        return Value(literal(text, TIMESTAMP), TIMESTAMP)
    arguments = CallArguments(reader, nodes, scope)
    match = best(signatures_of(name), nodes, arguments.value)
    if match is None:
        raise unmatched(reader, name, arguments, whole)
    return Value(computed(reader.setting.registry, match, arguments.fitted(match), safe=safe), match.result)


class CallArguments:
    """The arguments of a call, read when their values are asked for."""

    def __init__(
        self, reader: "ExpressionReader", nodes: Sequence[exp.Expr], scope: TypedScope, *, read: Sequence[Value] = ()
    ) -> None:
        self.nodes = nodes
        self._reader = reader
        self._scope = scope
        self._values: dict[int, Value] = {
            position: value for position, value in enumerate(read) if not _numbered(nodes[position])
        }

    def value(self, position: int) -> Value:
        """Return the value of the argument at this position; an interval's is its number."""
        if position not in self._values:
            node = self.nodes[position]
            self._values[position] = self._reader.read(node.this if _numbered(node) else node, self._scope)
        return self._values[position]

    def fitted(self, match: Match) -> list[tuple[int, exp.Expr]]:
        """Return what DuckDB's function is given, with its positions: values as the signature wants them, constants."""
        given = []
        for position in range(len(self.nodes)):
            argument = match.signature.argument(position)
            if not isinstance(argument, Option):
                given.append((position, fitted(self.value(position), match.wanted(position))))
                continue
            literal = option_literal(argument.category, match.options[position])
            if argument.category == "interval":
                literal = self._number(position)
            if literal is not None:
                given.append((position, literal))
        return given

    def _number(self, position: int) -> exp.Expr:
        node = self.nodes[position].this
        if isinstance(node, exp.Literal):
            node = exp.Literal.number(node.this)  # sqlglot takes the number of an interval for a text
        return self._reader.kind(node, SqlType("INT64"), self._scope)

    def described(self) -> str:
        """Return the types of the arguments, or what stands for one that has none."""
        return ", ".join(self._described(position) for position in range(len(self.nodes)))

    def _described(self, position: int) -> str:
        node = self.nodes[position]
        if isinstance(node, exp.Interval):
            return f"INTERVAL {node.args['unit'].sql('bigquery')}" if node.args.get("unit") else "INTERVAL"
        try:
            value = self.value(position)
        except (InvalidQuery, Unsupported):
            return node.sql("bigquery").rpartition("§")[2].strip("`")
        return repr(value.text) if value.text is not None and value.kind.name == "STRING" else str(value.kind)


def _numbered(node: exp.Expr) -> bool:
    return isinstance(node, exp.Interval)


def own_function(reader: "ExpressionReader", name: str, nodes: Sequence[exp.Expr], scope: TypedScope) -> Value:
    """Return what a call of a function of `functions.toml`, or of the user's file, gives.

    Raises:
        Unsupported: there is none of that name.
    """
    function = reader.setting.registry.find(name)
    if function is None:
        raise refusal(reader, name, None)
    if len(nodes) != len(function.parameters):
        where = line_of(name, reader.setting.reading.sql)
        raise InvalidQuery(f"{name} has {len(function.parameters)} arguments, not {len(nodes)}{where}")
    values = [reader.read(node, scope) for node in nodes]
    kinds = tuple(value.kind for value in values)
    try:
        result = own.result(function, kinds, reader.setting.registry)
    except InvalidQuery as error:
        where = line_of(name.split(".")[-1], reader.setting.reading.sql)
        raise InvalidQuery(f"{name}({', '.join(map(str, kinds))}): {error}{where}") from error
    arguments = [value.node for value in values]
    return Value(exp.Anonymous(this=function.macro, expressions=arguments), result)


def refusal(reader: "ExpressionReader", name: str, node: exp.Expr | None) -> Unsupported:
    """Return the error for a function that is not implemented."""
    sql = reader.setting.reading.sql
    known = reader.setting.registry.names() if "." in name else _known()
    where = (reader.place(node) if node is not None else "") or line_of(f"{name}(", sql)
    where = where or line_of(name.split(".")[-1], sql)
    return Unsupported(
        f"{name} is not among the functions that the embedded engine implements{where}{nearest(name, known)}; "
        "write it with others, or add it to a file of functions of your own (embedded:FOLDER?functions=FILE)"
    )


def unmatched(reader: "ExpressionReader", name: str, arguments: CallArguments, node: exp.Expr) -> Unsupported:
    """Return the error for arguments of which no signature is."""
    shown = name if name.isidentifier() else f"operator {name}"
    return Unsupported(
        f"{shown}({arguments.described()}) is not among the signatures that the embedded engine implements"
        f"{reader.place(node)}; docs/signatures.md lists them"
    )


@lru_cache(maxsize=1)
def _known() -> tuple[str, ...]:
    return tuple(name for name in by_name() if name.isidentifier())


_SAME = {
    "CHARACTER_LENGTH": "CHAR_LENGTH",
    "SUBSTRING": "SUBSTR",
    "CEILING": "CEIL",
    "POWER": "POW",
    "REGEXP_SUBSTR": "REGEXP_EXTRACT",
    "ISNULL": "",
    "VAR_SAMP": "VARIANCE",
    "STDDEV_SAMP": "STDDEV",
    "OCTET_LENGTH": "BYTE_LENGTH",
    "SECURE_RANDOM": "",
    "JSON_EXTRACT_STRING_ARRAY": "JSON_EXTRACT_STRING_ARRAY",
}
