"""Parses BigQuery's SQL into a syntax tree, and settles what sqlglot's tree leaves ambiguous."""

from collections.abc import Iterable
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from jetstream_argo.dialect.literals import without_raw_bytes
from jetstream_argo.errors import InvalidQuery, Unsupported

TOO_DEEP = "query is too deep to be parsed; write it flatter, or move a part to a view"


@lru_cache(maxsize=256)
def _parsed(sql: str) -> exp.Query:
    try:
        statements = sqlglot.parse(without_raw_bytes(sql), read="bigquery")
    except ParseError as error:
        raise InvalidQuery(explained(error, sql)) from error
    except TokenError as error:
        raise InvalidQuery(f"query is not SQL: {error}") from error
    except RecursionError as error:
        raise InvalidQuery(TOO_DEEP) from error
    return single_query(statements)


def single_query(statements: Iterable[exp.Expr | None]) -> exp.Query:
    """Return the one query that a text holds.

    Raises:
        InvalidQuery: it holds several statements, or none.
        Unsupported: it is a statement other than a query.
    """
    wanted = [statement for statement in statements if statement is not None]
    if len(wanted) != 1:
        raise InvalidQuery(f"query holds {len(wanted)} statements; give one at a time")
    if not isinstance(wanted[0], exp.Query):
        raise Unsupported(f"a {wanted[0].key.upper()} statement cannot be run; only queries can")
    return wanted[0]


def parse_query(sql: str) -> exp.Query:
    """Return the tree of one query, the caller's to change.

    Raises:
        InvalidQuery: the text does not parse; the message has line, column and the line itself.
        Unsupported: it is a statement other than a query.
    """
    return _parsed(sql).copy()


def explained(error: ParseError, sql: str) -> str:
    """Return what is wrong with a text that does not parse, with line, column and the line itself."""
    first = error.errors[0] if error.errors else {}
    line, column = int(first.get("line") or 0), int(first.get("col") or 0)
    what = str(first.get("description") or error).rstrip(".")
    text = sql.splitlines()[line - 1].strip() if 0 < line <= len(sql.splitlines()) else ""
    return f"{what} at line {line}, column {column}: {text}" if line else what


def udf_call(node: exp.Expr) -> tuple[str, list[exp.Expr]] | None:
    """Return dotted name and arguments of a call to a function that is not BigQuery's own, else None.

    sqlglot writes `mozfun.map.get_key(x, y)` in three shapes: a chain of Dots, one Anonymous whose quoted name has
    dots, and, inside ARRAY_AGG and its like, a Column whose name is the Anonymous.
    """
    match node:
        case exp.Dot(expression=exp.Anonymous() as call):
            prefix = _names(node.this)
        case exp.Column(this=exp.Anonymous() as call):
            prefix = [part.name for part in node.parts[:-1]]
        case exp.Anonymous() as call:
            prefix = []
        case _:
            return None
    if prefix is None:
        return None
    return ".".join([*prefix, call.name]), list(call.expressions)


def _names(node: exp.Expr) -> list[str] | None:
    match node:
        case exp.Identifier():
            return [node.name]
        case exp.Dot(this=exp.Expr() as left, expression=exp.Identifier() as right):
            names = _names(left)
            return None if names is None else [*names, right.name]
        case exp.Column() if not isinstance(node.this, exp.Anonymous):
            return [part.name for part in node.parts]
        case _:
            return None


def path_of(node: exp.Expr) -> tuple[exp.Expr | None, list[str]]:
    """Split `a.b.c` into what it starts from and its names.

    The start is None when the whole is a chain of names; it is the call, subquery or array element otherwise.
    """
    names: list[str] = []
    while isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        names.append(node.expression.name)
        node = node.this
    if isinstance(node, exp.Column) and not isinstance(node.this, (exp.Anonymous, exp.Star)):
        return None, [part.name for part in node.parts] + names[::-1]
    if isinstance(node, exp.Identifier):
        return None, [node.name, *names[::-1]]
    return node, names[::-1]


def table_name(table: exp.Table) -> str:
    """Return `project.dataset.table`, as far as the query gives it, without backticks.

    >>> table_name(sqlglot.parse_one("SELECT 1 FROM `a-b.c.d`", read="bigquery").find(exp.Table))
    'a-b.c.d'
    """
    return ".".join(part.name for part in table.parts)


def star_of(item: exp.Expr) -> exp.Star | None:
    """Return the star of `*`, `relation.*` or `struct.*` in a select list, else None."""
    star = item.expression if isinstance(item, exp.Dot) else item.this if isinstance(item, exp.Column) else item
    return star if isinstance(star, exp.Star) else None


def before_star(item: exp.Expr) -> exp.Expr:
    """Return what stands before `.*`: for `a.b.*` the path `a.b`.

    >>> item = sqlglot.parse_one("SELECT o.details.* EXCEPT (x)", read="bigquery").expressions[0]
    >>> before_star(item).sql()
    'o.details'
    """
    if not isinstance(item, exp.Column):
        start: exp.Expr = item.this
        return start
    names = ("this", "table", "db")
    return exp.Column(**{name: part.copy() for name, part in zip(names, reversed(item.parts[:-1]), strict=False)})
