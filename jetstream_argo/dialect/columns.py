"""Finds the columns that an expression names."""

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError


def columns_named(expression: str) -> tuple[tuple[str, str], ...]:
    """Return the columns that an expression names, each with what it is qualified by; none where it is no SQL.

    >>> columns_named("e.branch = 'a' AND NOT seen"), columns_named("(")
    ((('e', 'branch'), ('', 'seen')), ())
    """
    try:
        tree = parse_one(expression, dialect="bigquery")
    except SqlglotError:
        return ()
    return tuple(dict.fromkeys((column.table, column.name) for column in tree.find_all(exp.Column)))


def names_in(expression: str) -> frozenset[str]:
    """Return all names in an expression, of columns and whatever else is named; none where it is no SQL.

    >>> sorted(names_in("SUM(ds.a.b + `c-d`)"))
    ['a', 'b', 'c-d', 'ds']
    """
    try:
        tree = parse_one(expression, dialect="bigquery")
    except SqlglotError:
        return frozenset()
    return frozenset(name.name for name in tree.find_all(exp.Identifier))
