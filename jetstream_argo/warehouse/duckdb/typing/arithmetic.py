"""Sums, products and quotients of floats: an overflow is an error in BigQuery and infinity in DuckDB.

Infinity goes through a chain of these operators as infinity or NaN, unless it divides. So a chain is checked once: if
its result is not finite while all that went into it is, it has overflown. What divides is a chain of its own.
"""

from dataclasses import dataclass

from sqlglot import exp

from jetstream_argo.warehouse.duckdb.typing.kinds import FLOAT64, INT64, NUMERIC
from jetstream_argo.warehouse.duckdb.typing.values import Value, fitted

CHAINED = (exp.Add, exp.Sub, exp.Mul, exp.Div)
_MOST_BOUNDED = 8  # factors between 1e-9 and 1e29, whose product cannot be too large
_SMALLEST, _LARGEST = 1e-9, 1e29


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain of operators as DuckDB computes it, and the values in it of which each may be anything."""

    node: exp.Expr
    unbounded: tuple[exp.Expr, ...] = ()
    bounded: int = 0

    def with_(self, other: "Chain", node: exp.Expr) -> "Chain":
        """Return the chain of two that an operator joins to `node`."""
        return Chain(node, (*self.unbounded, *other.unbounded), self.bounded + other.bounded)

    def checked(self) -> exp.Expr:
        """Return the chain with its check, if it can overflow at all."""
        if not self.unbounded and self.bounded <= _MOST_BOUNDED:
            return self.node
        several = len(self.unbounded) > 1
        distinct = {part.sql(): part for part in self.unbounded}.values() if several else self.unbounded
        overflown: exp.Expr = exp.Not(this=_finite(self.node.copy()))
        for part in distinct:
            overflown = exp.And(this=overflown, expression=_finite(part.copy()))
        failure = exp.Anonymous(this="error", expressions=[exp.Literal.string("FLOAT64 overflow")])
        return exp.Case(ifs=[exp.If(this=overflown, true=failure)], default=self.node)


def _finite(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="isfinite", expressions=[node])


def joined(node: exp.Expr, left: Value, right: Value, chains: dict[int, Chain], *, check: bool) -> Value:
    """Return what an operator makes of two floats; `chains` has those of values that are not yet checked.

    Without `check` nothing is: whoever wrote the query knows that nothing in it overflows.
    """
    first, second = (_chain(side, chains) if check else Chain(fitted(side, FLOAT64)) for side in (left, right))
    if isinstance(node, exp.Div):
        second = _leaf(Value(second.checked(), FLOAT64))
    chain = first.with_(second, type(node)(this=_in_brackets(first.node), expression=_in_brackets(second.node)))
    if check:
        chains[id(chain.node)] = chain
    return Value(chain.node, FLOAT64)


def _in_brackets(node: exp.Expr) -> exp.Expr:
    return exp.Paren(this=node) if isinstance(node, exp.Binary | exp.Neg | exp.Case) else node


def _chain(value: Value, chains: dict[int, Chain]) -> Chain:
    node = value.node.unnest() if isinstance(value.node, exp.Paren) else value.node
    known = chains.pop(id(node), None)
    return known if known is not None else _leaf(value)


def _leaf(value: Value) -> Chain:
    if value.text is not None:
        size = abs(float(value.text))
        bounded = size == 0 or _SMALLEST <= size <= _LARGEST
        node = fitted(value, FLOAT64)
        return Chain(node, bounded=1) if bounded else Chain(node, bounded=_MOST_BOUNDED + 1)
    if value.kind in (INT64, NUMERIC):
        return Chain(fitted(value, FLOAT64), bounded=1)
    return Chain(value.node, unbounded=(value.node,))
