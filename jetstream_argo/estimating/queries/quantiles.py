"""Expressions that take a quantile from counted values.

The values are ranked by `upto`, how many units have this value or a smaller one, out of `n`. The quantile lies between
the values of two neighbouring ranks, `low` and `high`, which are aggregates, so that no row needs to be numbered.
"""

from jetstream_argo.sql.text import Sql, literal


def ranks(n: Sql, probability: float) -> tuple[Sql, Sql]:
    """Return the ranks, from 0, of the two values between which the quantile lies: equal at the last one."""
    first = _rank(n, probability)
    return first, Sql(f"LEAST({first} + 1, {n} - 1)")


def low(value: Sql, upto: Sql, n: Sql, probability: float) -> Sql:
    """Return the aggregate that gives the last value not above the quantile's position; NULL of no units."""
    return Sql(f"MIN(IF({n} > 0 AND {upto} > {ranks(n, probability)[0]}, {value}, NULL))")


def high(value: Sql, upto: Sql, n: Sql, probability: float) -> Sql:
    """Return the aggregate that gives the next value; the same one at the last rank."""
    return Sql(f"MIN(IF({n} > 0 AND {upto} > {ranks(n, probability)[1]}, {value}, NULL))")


def share(n: Sql, probability: float) -> Sql:
    """Return how far the quantile lies on the way from `low` to `high`, from 0 to 1."""
    position = f"({n} - 1) * {literal(float(probability))}"
    return Sql(f"{position} - FLOOR({position})")


def between(low: Sql, high: Sql, share: Sql) -> Sql:
    """Return the quantile, interpolated linearly from the nearer of the two values."""
    return Sql(f"IF({share} < 0.5, {low} + ({high} - {low}) * {share}, {high} - ({high} - {low}) * (1 - {share}))")


def _rank(n: Sql, probability: float) -> Sql:
    return Sql(f"CAST(FLOOR(({n} - 1) * {literal(float(probability))}) AS INT64)")
