"""Finds conditions of a query that compare a column with constants."""

from collections.abc import Iterator

from sqlglot import exp

from jetstream_argo.warehouse.duckdb.ranges import Value, ValueRange
from jetstream_argo.warehouse.duckdb.reading import is_call


def conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    """Yield the conditions that all must be true for `condition` to be."""
    match condition:
        case None:
            return
        case exp.And():
            yield from conjuncts(condition.this)
            yield from conjuncts(condition.expression)
        case exp.Paren():
            yield from conjuncts(condition.this)
        case _:
            yield condition


def compared(condition: exp.Expr) -> tuple[exp.Column, tuple[ValueRange, ...]] | None:
    """Return the column, and the intervals of values for which the condition can be true; none stands for NULL."""
    match condition:
        case exp.In(this=exp.Column() as column) if condition.expressions:
            values = [constant(item) for item in condition.expressions]
            found = tuple(ValueRange(value, value) for value in values if value is not None)
            return _of(column, found) if len(found) == len(values) else None
        case exp.Between(this=exp.Column() as column):
            low, high = constant(condition.args["low"]), constant(condition.args["high"])
            return _of(column, (ValueRange(low, high),)) if low is not None and high is not None else None
        case exp.Is(this=exp.Column() as column, expression=exp.Null()):
            return _of(column, ())
        case exp.EQ() | exp.LT() | exp.LTE() | exp.GT() | exp.GTE():
            return _compared(condition)
        case _:
            return None


def constant(node: exp.Expr) -> Value | None:
    """Return the value of a whole number, a text or a date that is written out; a date's is its text."""
    match node:
        case exp.Literal():
            text = str(node.this)
            return text if node.is_string else int(text) if text.isdecimal() else None
        case exp.Neg(this=exp.Literal() as number) if not number.is_string:
            value = constant(number)
            return -value if isinstance(value, int) else None
        case exp.Cast(this=exp.Literal() as text, to=to) if text.is_string and to.is_type(exp.DType.DATE):
            return str(text.this)
        case exp.Anonymous(expressions=[exp.Literal() as text]) if text.is_string and is_call(node, "DATE"):
            return str(text.this)
        case _:
            return None


def _compared(condition: exp.Expr) -> tuple[exp.Column, tuple[ValueRange, ...]] | None:
    left, right = condition.this, condition.expression
    turned = not isinstance(left, exp.Column)
    column, value = (right, constant(left)) if turned else (left, constant(right))
    if not isinstance(column, exp.Column) or value is None:
        return None
    at_most = isinstance(condition, exp.EQ) or isinstance(condition, exp.LT | exp.LTE) is not turned
    at_least = isinstance(condition, exp.EQ) or isinstance(condition, exp.GT | exp.GTE) is not turned
    strict = isinstance(condition, exp.LT | exp.GT)
    return _of(column, (ValueRange(value if at_least else None, value if at_most else None, strict),))


def _of(column: exp.Column, intervals: tuple[ValueRange, ...]) -> tuple[exp.Column, tuple[ValueRange, ...]] | None:
    return (column, intervals) if not column.args.get("db") and not isinstance(column.this, exp.Star) else None
