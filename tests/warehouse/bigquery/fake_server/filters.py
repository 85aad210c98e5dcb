"""Whether a query filters the partitions of the tables that require it, as the service sees it.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries: a comparison
of the partitioning column by itself with something that is known before rows are read, in the WHERE or the ON that is
about the table, or about a view or subquery that passes the column on.
"""

from collections.abc import Callable, Iterator, Mapping

from sqlglot import exp, parse_one

from tests.warehouse.bigquery.fake_server.wire import ApiError

_COMPARISONS = (exp.EQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)


def check_filters(sql: str, required: Mapping[str, str], *, view: Callable[[str], str | None]) -> None:
    """Refuse a query that reads a table of `required`, by its full name, without a filter on its column."""
    _check(parse_one(sql, dialect="bigquery"), required, view, frozenset())


def _check(
    tree: exp.Expr, required: Mapping[str, str], view: Callable[[str], str | None], outside: frozenset[str]
) -> None:
    for table in tree.find_all(exp.Table):
        if not table.db:
            continue
        name = ".".join(part.name for part in table.parts)
        filtered = outside | frozenset(_filtered(table))
        behind = view(name)
        if behind is not None:
            _check(parse_one(behind, dialect="bigquery"), required, view, filtered)
            continue
        for full, column in required.items():
            if (full.endswith(f".{name}") or full == name) and column.lower() not in filtered:
                message = f"Cannot query over table '{full}' without a filter over column(s) '{column}' that can be "
                raise ApiError(400, "invalidQuery", f"{message}used for partition elimination")


def _filtered(table: exp.Expr) -> Iterator[str]:
    """Yield the columns that the queries around a table filter."""
    inner = table
    while inner.parent is not None:
        inner = inner.parent
        if isinstance(inner, exp.Select):
            for clause in (inner.args.get("where"), *(join.args.get("on") for join in inner.args.get("joins") or [])):
                for comparison in clause.find_all(*_COMPARISONS) if clause is not None else ():
                    yield from _column_of(comparison)


def _column_of(comparison: exp.Expr) -> Iterator[str]:
    sides = [comparison.this, *(comparison.args.get(name) for name in ("expression", "low", "high"))]
    bare = [side for side in sides if isinstance(side, exp.Column)]
    others = [side for side in sides if side is not None and side not in bare]
    if len(bare) == 1 and not any(side.find(exp.Column) for side in others):
        yield bare[0].name.lower()
