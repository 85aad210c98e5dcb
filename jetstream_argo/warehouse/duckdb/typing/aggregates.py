"""Types aggregates and window functions, with DISTINCT, IGNORE NULLS, ORDER BY, LIMIT and OVER."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import exp

from jetstream_argo.dialect.functions.registry import Function, Registry
from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.signatures.builders import AGGREGATES
from jetstream_argo.warehouse.duckdb.signatures.catalog import by_name, signatures_of
from jetstream_argo.warehouse.duckdb.signatures.model import FunctionEntry
from jetstream_argo.warehouse.duckdb.typing import sets
from jetstream_argo.warehouse.duckdb.typing.kinds import INT64
from jetstream_argo.warehouse.duckdb.typing.matching import Match, best
from jetstream_argo.warehouse.duckdb.typing.ordering import ordered
from jetstream_argo.warehouse.duckdb.typing.scopes import TypedScope
from jetstream_argo.warehouse.duckdb.typing.values import Value

if TYPE_CHECKING:
    from jetstream_argo.warehouse.duckdb.typing.expressions import ExpressionReader

_CORE = re.compile(r"(.*?)\{(\w+)\((.*)\)\}(.*)\Z", re.DOTALL)
_VALUE = re.compile(r"\$(\d)")


# sqlglot writes IGNORE NULLS for functions that it knows.
_PASSING: dict[str, Callable[..., exp.Expr]] = {
    "first_value": lambda value: exp.FirstValue(this=value),
    "last_value": lambda value: exp.LastValue(this=value),
    "nth_value": lambda value, nth: exp.NthValue(this=value, offset=nth),
    "lag": lambda value, offset=None, default=None: exp.Lag(this=value, offset=offset, default=default),
    "lead": lambda value, offset=None, default=None: exp.Lead(this=value, offset=offset, default=default),
}


@dataclass(frozen=True, slots=True)
class _AggregateCall:
    """An aggregate's arguments, and the clauses around them."""

    arguments: tuple[exp.Expr, ...]
    distinct: bool = False
    nulls: str = ""  # IGNORE or RESPECT
    order: tuple[exp.Expr, ...] = ()
    limit: exp.Expr | None = None
    having: exp.HavingMax | None = None


def aggregate(
    reader: "ExpressionReader",
    entry: FunctionEntry,
    node: exp.Expr,
    scope: TypedScope,
    *,
    window: exp.Window | None,
    nulls: str = "",
) -> Value:
    """Return what an aggregate gives, or what it gives over a window.

    Raises:
        Unsupported: for these types, or with the clauses around the arguments, it is not implemented.
    """
    asked = replace(_asked(node.expressions), nulls=nulls) if nulls else _asked(node.expressions)
    if asked.having is not None:
        name = {"ANY_VALUE": "MAX_BY" if asked.having.args.get("max") else "MIN_BY"}.get(entry.name, "")
        entry = by_name().get(name, entry)
        asked = replace(asked, arguments=(asked.having.this, asked.having.expression), having=None)
        if not name:
            raise Unsupported(f"{entry.name} with HAVING is not implemented by the embedded engine{reader.place(node)}")
    _check(reader, entry, asked, node, window)
    if len(asked.arguments) == 1 and isinstance(asked.arguments[0], exp.Star):
        if entry.name != "COUNT" or asked.distinct:
            raise InvalidQuery(f"{entry.name}(*) is no aggregate{reader.place(node)}")
        return Value(_over(exp.Count(this=exp.Star()), window), INT64)
    from jetstream_argo.warehouse.duckdb.typing.calls import CallArguments, unmatched

    arguments = CallArguments(reader, asked.arguments, scope)
    match = best(signatures_of(entry.name), asked.arguments, arguments.value)
    if match is None:
        raise unmatched(reader, entry.name, arguments, node)
    given = [argument for _, argument in arguments.fitted(match)]
    if entry.name in {"LAG", "LEAD"} and any(
        constant(n) is None and not isinstance(n, exp.Null) for n in asked.arguments[1:]
    ):
        raise InvalidQuery(f"{entry.name} needs constants for offset and default{reader.place(node)}")
    registry = reader.setting.registry
    if match.signature.body.startswith("@"):
        return Value(_over(AGGREGATES[match.signature.body[1:]](match, given), window), match.result)

    as_set = window is None and _is_set(entry, asked) and sets.is_plain(match.result)

    def core(call: exp.Expr, inner: list[exp.Expr]) -> exp.Expr:
        around = _around(reader, call, inner, replace(asked, distinct=False) if as_set else asked, scope)
        return sets.distinct(around) if as_set else _over(around, window)

    built = _built(registry, match, given, core)
    if asked.limit is not None:
        built = exp.Anonymous(this="list_slice", expressions=[built, exp.Literal.number(1), asked.limit])
    return Value(built, match.result)


def window(reader: "ExpressionReader", node: exp.Expr, scope: TypedScope) -> Value:
    """Return what a function gives over a window."""
    inner, nulls = node.this, ""
    if isinstance(inner, exp.IgnoreNulls | exp.RespectNulls):
        inner, nulls = inner.this, "IGNORE" if isinstance(inner, exp.IgnoreNulls) else "RESPECT"
    name = reader.setting.reading.name(inner).upper() if isinstance(inner, exp.Anonymous) else ""
    entry = by_name().get({"VAR_SAMP": "VARIANCE", "STDDEV_SAMP": "STDDEV"}.get(name, name))
    if entry is None or not {"aggregate", "window"} & set(entry.words):
        from jetstream_argo.warehouse.duckdb.typing.calls import refusal

        raise refusal(reader, name or inner.sql("bigquery"), inner)
    frame = exp.Window(**{key: value for key, value in node.args.items() if key != "this"})
    define(reader, frame, scope)
    return aggregate(reader, entry, inner, scope, window=frame, nulls=nulls)


def define(reader: "ExpressionReader", frame: exp.Window, scope: TypedScope) -> None:
    """Rewrite what a window says of its rows."""
    frame.set("partition_by", [reader.read(part, scope).node for part in frame.args.get("partition_by") or ()])
    order = frame.args.get("order")
    if order is None:
        return
    before = len(order.expressions)
    order.set("expressions", ordered(reader, order.expressions, scope))
    spec = frame.args.get("spec")
    bounds = [spec.args.get("start"), spec.args.get("end")] if spec is not None else []
    is_range = spec is not None and spec.args.get("kind") == "RANGE" and any(isinstance(b, exp.Expr) for b in bounds)
    if len(order.expressions) > before and is_range:
        raise Unsupported(f"RANGE by a FLOAT64 is not implemented by the embedded engine{reader.place(order)}")


def _asked(nodes: Sequence[exp.Expr]) -> _AggregateCall:
    """Take the clauses around the arguments out of the tree."""
    asked = _AggregateCall(())
    arguments = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop(0)
        while True:
            node = _mended(node)
            match node:
                case exp.Limit():
                    asked, node = replace(asked, limit=node.expression), node.this
                case exp.Order():
                    asked, node = replace(asked, order=tuple(node.expressions)), node.this
                case exp.IgnoreNulls():
                    asked, node = replace(asked, nulls="IGNORE"), node.this
                case exp.RespectNulls():
                    asked, node = replace(asked, nulls="RESPECT"), node.this
                case exp.Distinct():
                    asked, waiting = replace(asked, distinct=True), [*node.expressions[1:], *waiting]
                    node = node.expressions[0]
                case exp.HavingMax():
                    asked = replace(asked, having=node)
                    break
                case _:
                    break
        arguments.append(node)
    return replace(asked, arguments=tuple(arguments))


def _mended(node: exp.Expr) -> exp.Expr:
    """Put together the name of a function of others', into which sqlglot has put what follows its arguments."""
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Identifier | exp.Star | exp.Anonymous):
        return node
    whole: exp.Expr = node.this
    inner = whole
    while not isinstance(inner.this, exp.Anonymous):
        inner = inner.this
    names = {key: part for key, part in node.args.items() if key != "this"}
    inner.set("this", exp.Column(this=inner.this, **names))
    return whole


def _check(
    reader: "ExpressionReader", entry: FunctionEntry, asked: _AggregateCall, node: exp.Expr, window: exp.Window | None
) -> None:
    clauses = {
        "DISTINCT": asked.distinct,
        "NULLS": bool(asked.nulls),
        "ORDER": bool(asked.order),
        "LIMIT": asked.limit is not None,
        "OVER": window is not None,
    }
    for word, is_said in clauses.items():
        if is_said and word not in entry.words:
            raise Unsupported(f"{entry.name} with {word} is not implemented by the embedded engine{reader.place(node)}")
    if window is None and "window" in entry.words:
        raise InvalidQuery(f"{entry.name} needs OVER{reader.place(node)}")
    if window is not None and (asked.order or (asked.distinct and window.args.get("order") is not None)):
        raise Unsupported(
            f"{entry.name} with DISTINCT or ORDER BY and OVER is not implemented by the embedded engine"
            f"{reader.place(node)}"
        )


def _is_set(entry: FunctionEntry, asked: _AggregateCall) -> bool:
    """Return whether it is ARRAY_AGG(DISTINCT … IGNORE NULLS), in no order."""
    return (
        entry.name == "ARRAY_AGG"
        and asked.distinct
        and asked.nulls == "IGNORE"
        and not asked.order
        and asked.limit is None
    )


def _built(
    registry: Registry, match: Match, given: list[exp.Expr], core: Callable[[exp.Expr, list[exp.Expr]], exp.Expr]
) -> exp.Expr:
    """Return the aggregate within what is computed of it, of arguments of which something is computed first."""
    found = _CORE.match(match.signature.body)
    if found is None:
        return core(exp.Anonymous(this=match.signature.body), given)
    before, function, inner, after = found.groups()
    slug = f"{re.sub(chr(92) + 'W+', '_', match.signature.name.lower())}_{match.signature.number}"
    arguments: list[exp.Expr] = []
    for number, text in enumerate(part.strip() for part in inner.split(";")):
        if text == "DISTINCT $1":
            arguments.append(exp.Distinct(expressions=[given[0]]))
            continue
        if _VALUE.fullmatch(text):
            arguments.append(given[int(text[1:]) - 1])
            continue
        used = sorted({int(position) for position in _VALUE.findall(text)})
        name = _macro(registry, f"{slug}_of_{number}", [f"p{n}" for n in used], text)
        arguments.append(exp.Anonymous(this=name, expressions=[given[n - 1].copy() for n in used]))
    result = core(exp.Anonymous(this=function), arguments)
    if not before and not after:
        return result
    return exp.Anonymous(this=_macro(registry, f"{slug}_then", ["p0"], f"{before}$0{after}"), expressions=[result])


def _macro(registry: Registry, name: str, parameters: list[str], body: str) -> str:
    if not registry.has(f"bq__{name}"):
        registry.add(Function(f"bq.{name}", tuple(parameters), _VALUE.sub(lambda value: f"p{value[1]}", body), ""))
    return f"bq__{name}"


def _around(
    reader: "ExpressionReader", call: exp.Expr, inner: list[exp.Expr], asked: _AggregateCall, scope: TypedScope
) -> exp.Expr:
    """Return the call of DuckDB's aggregate with DISTINCT, ORDER BY and IGNORE NULLS."""
    first = inner[0] if inner else None
    arguments = list(inner)
    if asked.distinct and arguments:
        arguments[0] = exp.Distinct(expressions=[arguments[0]])
    if asked.order and arguments:
        keys = ordered(reader, asked.order, scope, several=not asked.distinct)
        arguments[-1] = exp.Order(this=arguments[-1], expressions=keys)
    call.set("expressions", arguments)
    if asked.nulls == "IGNORE" and first is not None:
        if call.name in _PASSING:
            return exp.IgnoreNulls(this=_PASSING[call.name](*arguments))
        present = exp.Not(this=exp.Is(this=first.copy(), expression=exp.Null()))
        return exp.Filter(this=call, expression=exp.Where(this=present))
    return call


def _over(call: exp.Expr, window: exp.Window | None) -> exp.Expr:
    if window is None:
        return call
    copied = window.copy()
    copied.set("this", call)
    return copied
