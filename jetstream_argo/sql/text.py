"""Puts SQL text together: only `Sql` goes into a query, and plain values become literals."""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib import resources
from typing import NewType

from jetstream_argo.errors import PlanError

Sql = NewType("Sql", str)

# What those of our queries begin with in which no product or quotient of finite floats is infinite, since values have
# been scaled. BigQuery looks for an overflow anyway; the embedded engine need not.
NO_OVERFLOW = "-- Nothing overflows."

_SLOT = re.compile(r"\{\{(\w+)\}\}")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


def literal(value: str | int | float | bool | date | None) -> Sql:
    """Return `value` as a literal of BigQuery's dialect.

    >>> literal("it's"), literal(date(2026, 5, 4)), literal(None)
    ("'it\\\\'s'", "DATE '2026-05-04'", 'NULL')
    """
    match value:
        case None:
            return Sql("NULL")
        case bool():
            return Sql("TRUE" if value else "FALSE")
        case int() | float():
            return Sql(repr(value))
        case date():
            return Sql(f"DATE '{value.isoformat()}'")
        case str():
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
            return Sql(f"'{escaped}'")


def literals(values: Iterable[str | int]) -> Sql:
    """Return values as a list of literals, separated by commas.

    >>> literals(["a", "b"]), literals([1, 2])
    ("'a', 'b'", '1, 2')
    """
    return Sql(", ".join(map(literal, values)))


def equal(left: str, right: str, columns: Iterable[str]) -> Sql:
    """Return the condition that two relations are equal in these columns.

    >>> equal("a", "b", ["x", "y"])
    'a.x = b.x AND a.y = b.y'
    """
    return Sql(" AND ".join(f"{left}.{column} = {right}.{column}" for column in columns))


def identifier(name: str) -> Sql:
    """Return a column or alias name, in backticks unless it is plain.

    >>> identifier("branch"), identifier("a-b")
    ('branch', '`a-b`')
    """
    if _PLAIN.match(name) and name.upper() not in _RESERVED:
        return Sql(name)
    if "`" in name or "\\" in name:
        raise PlanError(f"a column cannot be named {name!r}")
    return Sql(f"`{name}`")


def table(name: str) -> Sql:
    """Return a table's dotted name as one quoted path."""
    if "`" in name or "\\" in name:
        raise PlanError(f"a table cannot be named {name!r}")
    return Sql(f"`{name}`")


def column(source: str, name: str) -> Sql:
    """Return the column `name` of the relation `source`; `name` may be a path into a struct."""
    return Sql(".".join([source, *(identifier(part) for part in name.split("."))]))


def lines(parts: Iterable[Sql], *, separator: str = ",", indent: int = 2) -> Sql:
    """Return `parts` one a line, joined by `separator`; what follows a line break is indented."""
    pad = "\n" + " " * indent
    return Sql((separator + pad).join(part.replace("\n", pad) for part in parts))


def union_all(queries: Iterable[Sql]) -> Sql:
    """Return the rows of every query, one after the other."""
    return Sql("\nUNION ALL\n".join(queries))


def indented(text: Sql, by: int = 2) -> Sql:
    """Return `text` with every line after the first one moved right."""
    return Sql(text.replace("\n", "\n" + " " * by))


def in_brackets(query: Sql) -> Sql:
    """Return a query as a relation."""
    return Sql(f"(\n  {indented(Sql(query.rstrip()))}\n)")


@cache
def _template(name: str) -> str:
    return resources.files("jetstream_argo.sql").joinpath(f"templates/{name}.sql").read_text(encoding="utf-8")


def fill(template: str, /, **slots: Sql) -> Sql:
    """Return the query in `templates/<template>.sql` with each `{{slot}}` replaced, and no slot left over.

    Raises:
        KeyError: a slot of the template has no value, or a value has no slot.
    """
    text = _template(template)
    wanted = set(_SLOT.findall(text))
    if wanted != set(slots):
        raise KeyError(f"{template}.sql has slots {sorted(wanted)}, was given {sorted(slots)}")
    return Sql(_substitute(text, slots).rstrip() + "\n")


def _substitute(text: str, slots: Mapping[str, Sql]) -> str:
    filled = []
    for line in text.splitlines():
        pad = "\n" + " " * (len(line) - len(line.lstrip()))
        filled.append(_SLOT.sub(lambda slot: slots[slot[1]].rstrip().replace("\n", pad), line))  # noqa: B023  # used at once
    return "\n".join(filled)


# https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#reserved_keywords
_RESERVED = frozenset(
    """ALL AND ANY ARRAY AS ASC ASSERT_ROWS_MODIFIED AT BETWEEN BY CASE CAST COLLATE CONTAINS CREATE CROSS CUBE CURRENT
    DEFAULT DEFINE DESC DISTINCT ELSE END ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FROM FULL
    GROUP GROUPING GROUPS HASH HAVING IF IGNORE IN INNER INTERSECT INTERVAL INTO IS JOIN LATERAL LEFT LIKE LIMIT LOOKUP
    MERGE NATURAL NEW NO NOT NULL NULLS OF ON OR ORDER OUTER OVER PARTITION PRECEDING PROTO QUALIFY RANGE RECURSIVE
    RESPECT RIGHT ROLLUP ROWS SELECT SET SOME STRUCT TABLESAMPLE THEN TO TREAT TRUE UNBOUNDED UNION UNNEST USING WHEN
    WHERE WINDOW WITH WITHIN""".split()
)
