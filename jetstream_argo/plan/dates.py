"""Finds the column of telemetry that the dates of a query's rows come from."""

from functools import cache

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError


@cache  # experiments are planned for many dates, and find their units by the same queries
def column_behind(sql: str, name: str) -> str:
    """Return the column that a query's column `name` is made of, without its relation; empty where it does not say.

    >>> column_behind("SELECT unit, MIN(day) AS enrollment_date FROM shop.assignments GROUP BY unit", "enrollment_date")
    'day'
    """
    try:
        tree = parse_one(sql, read="bigquery")
    except SqlglotError:
        return ""  # whoever runs the query says what is wrong with it
    for _ in range(_DEEPEST):
        made = next(
            (projection for select in tree.find_all(exp.Select) for projection in select.expressions
             if projection.alias_or_name.lower() == name.lower() and not _names_itself(projection, name)),
            None,
        )  # fmt: skip
        column = made.find(exp.Column) if made is not None else None
        if column is None:
            return ""
        if not _is_made(tree, column.name):
            return str(column.name)
        name = column.name
    return ""


_DEEPEST = 20  # queries in queries, each of which gives the column another name


def _names_itself(projection: exp.Expr, name: str) -> bool:
    """Whether the projection only hands on a column of that name, which an inner query may make."""
    found = projection.unalias().find(exp.Column)
    return found is not None and found.name.lower() == name.lower()


def _is_made(tree: exp.Expr, name: str) -> bool:
    """Whether some query inside gives a column of that name by an alias."""
    return any(
        alias.alias.lower() == name.lower() and not _names_itself(alias, name) for alias in tree.find_all(exp.Alias)
    )
