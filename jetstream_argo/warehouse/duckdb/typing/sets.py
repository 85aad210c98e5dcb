"""Distinct values written with DuckDB's list functions, where these tell values apart as BigQuery does.

A correlated subquery over a list makes the time in which DuckDB plans a query grow with the square of its columns, and
DISTINCT in an aggregate has all others computed apart from it. Floats are counted by them, for to both 0 and -0 are one
value and so are all NaN, but they are not collected by them: which of 0 and -0 is kept is a matter of care.
"""

from sqlglot import exp

from jetstream_argo.warehouse.duckdb.reading import is_call
from jetstream_argo.warehouse.duckdb.typing.kinds import (
    BOOL,
    BYTES,
    DATE,
    DATETIME,
    FLOAT64,
    INT64,
    NUMERIC,
    STRING,
    TIMESTAMP,
    SqlType,
)

_PLAIN = (BOOL, BYTES, DATE, DATETIME, INT64, STRING, TIMESTAMP)


def is_plain(kind: SqlType) -> bool:
    """Return whether lists of this type have elements that are equal exactly where DuckDB says so."""
    return kind.element in _PLAIN


def is_countable(kind: SqlType) -> bool:
    """Return whether distinct elements of lists of this type are as many as DuckDB says."""
    return kind.element in (*_PLAIN, FLOAT64, NUMERIC)


def counted_array(node: exp.Expr) -> exp.Column | None:
    """Return `x` of `(SELECT COUNT(DISTINCT v) FROM UNNEST(x) AS v)`, if the node says that and no more.

    There may be more brackets around it.
    """
    select = node
    while isinstance(select, exp.Subquery) and _said(select) == {"this"}:
        select = select.this
    if select is node or not isinstance(select, exp.Select) or _said(select) - _READ:
        return None
    unnest, items = select.args["from_"].this, select.expressions
    if not isinstance(unnest, exp.Unnest) or unnest.args.get("offset") or len(items) != 1:
        return None
    (count,) = items
    if not isinstance(count, exp.Anonymous) or not is_call(count, "COUNT") or len(count.expressions) != 1:
        return None
    (distinct,), (array,) = count.expressions, unnest.expressions
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) != 1 or not isinstance(array, exp.Column):
        return None
    (value,) = distinct.expressions
    alias = unnest.args.get("alias")
    names = [alias.name, *(column.name for column in alias.columns)] if alias is not None else []
    is_element = isinstance(value, exp.Column) and len(value.parts) == 1
    return array if is_element and value.name.lower() in [name.lower() for name in names if name] else None


def count_distinct(array: exp.Expr) -> exp.Expr:
    """Return how many distinct values a list has that are not NULL; 0 of NULL."""
    unique = exp.Anonymous(this="list_unique", expressions=[array])
    return exp.cast(exp.Coalesce(this=unique, expressions=[exp.Literal.number(0)]), "BIGINT", dialect="duckdb")


def distinct(array: exp.Expr) -> exp.Expr:
    """Return the distinct values of a list without NULL; NULL of NULL. Those of a single value are left alone."""
    has_several = exp.GT(this=exp.Anonymous(this="len", expressions=[array]), expression=exp.Literal.number(1))
    several = exp.Anonymous(this="list_distinct", expressions=[array.copy()])
    return exp.Case(ifs=[exp.If(this=has_several, true=several)], default=array.copy())


def _said(node: exp.Expr) -> set[str]:
    return {name for name, part in node.args.items() if part}


_READ = {"expressions", "from_"}
