"""Parses the expression of one column."""

from functools import lru_cache

from sqlglot import exp, parse_one
from sqlglot.errors import ParseError, TokenError

from jetstream_argo.dialect.literals import without_raw_bytes
from jetstream_argo.errors import PlanError


@lru_cache(maxsize=4096)
def parsed(expression: str) -> exp.Expr:
    """Return the syntax tree of a metric's expression, which is shared: copy it before changing it.

    Raises:
        PlanError: the expression is not SQL.
    """
    try:
        select = parse_one(f"SELECT {without_raw_bytes(expression)}", read="bigquery")
    except ParseError as error:
        detail = error.errors[0]
        raise PlanError(
            f"is not SQL: {detail['description']} near {detail['highlight']!r}; it is {expression!r}"
        ) from error
    except TokenError as error:
        raise PlanError(f"is not SQL: {error}; it is {expression!r}") from error
    (column,) = select.expressions if len(select.expressions) == 1 else (None,)
    if column is None:
        raise PlanError(f"is not one column: {expression!r}")
    return column.unalias()  # type: ignore[no-any-return]  # sqlglot types it as Any


def wrong_with_expression(expression: str) -> str | None:
    """Return why an expression is not one column in SQL, or None.

    >>> wrong_with_expression("COUNT(*), 1")
    "is not one column: 'COUNT(*), 1'"
    """
    try:
        parsed(expression)
    except PlanError as error:
        return str(error)
    return None
