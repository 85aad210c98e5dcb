"""Expressions that take a quantile from counted values.

The values are ranked by `upto`, how many units have this value or a smaller one, out of `n`. The quantile lies between
the values of two neighbouring ranks, `low` and `high`, which are aggregates, so that no row needs to be numbered.
Ranks are compared with its position as it is, not rounded down: a whole number is above both or above neither.
"""

from jetstream_argo.sql.text import Sql, literal


def holds_rank(units: Sql, upto: Sql, n: Sql, probability: float) -> Sql:
    """Return whether `units`, the last of `upto`, have one of the two ranks between which the quantile lies."""
    position = _position(n, probability)
    return Sql(f"{units} > 0 AND {position} < {upto} AND NOT {position} < {upto} - {units} - 1")


def lies_below(upto: Sql, n: Sql, probability: float) -> Sql:
    """Return whether the last rank not above the quantile's position is one of the first `upto`."""
    return Sql(f"{_position(n, probability)} < {upto}")


def low(value: Sql, units: Sql, upto: Sql, n: Sql, probability: float) -> Sql:
    """Return the aggregate that gives the last value not above the quantile's position; NULL of no units."""
    return Sql(f"MIN(IF({units} > 0 AND {lies_below(upto, n, probability)}, {value}, NULL))")


def high(value: Sql, units: Sql, upto: Sql, n: Sql, probability: float) -> Sql:
    """Return the aggregate that gives the next value; the same one at the last rank."""
    is_next = f"{_position(n, probability)} < {upto} - 1 OR {upto} = {n}"
    return Sql(f"MIN(IF({units} > 0 AND ({is_next}), {value}, NULL))")


def share(n: Sql, probability: float) -> Sql:
    """Return how far the quantile lies on the way from `low` to `high`, from 0 to 1."""
    position = _position(n, probability)
    return Sql(f"{position} - FLOOR({position})")


def between(low: Sql, high: Sql, share: Sql) -> Sql:
    """Return the quantile, interpolated linearly from the nearer of the two values."""
    return Sql(f"IF({share} < 0.5, {low} + ({high} - {low}) * {share}, {high} - ({high} - {low}) * (1 - {share}))")


def _position(n: Sql, probability: float) -> Sql:
    """Where the quantile lies among the ranks, which count from 0: mostly between two of them."""
    return Sql(f"({n} - 1) * {literal(float(probability))}")
