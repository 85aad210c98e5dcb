"""Whether a query filters the partitions of the tables that require it, as the service sees it.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables#require_a_partition_filter_in_queries: a comparison
of the partitioning column by itself, or of its date, with something that is known before rows are read, in the WHERE or
the ON that is about the table, or about a view or subquery that passes the column on. Of conditions with OR between
them all have to be such a comparison, or to hold one.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from sqlglot import exp, parse_one

from tests.warehouse.bigquery.fake_server.wire import ApiError

# Whether a column of what a query gives is filtered by who asks.
_Outside: TypeAlias = Callable[[str], bool]


def check_filters(sql: str, required: Mapping[str, str], *, view: Callable[[str], str | None]) -> None:
    """Refuse a query that reads a table of `required`, by its full name, without a filter on its column."""
    _check(parse_one(sql, dialect="bigquery"), required, view, lambda _: False)


def _check(tree: exp.Expr, required: Mapping[str, str], view: Callable[[str], str | None], outside: _Outside) -> None:
    for table in tree.find_all(exp.Table):
        if not table.db:
            continue
        name = ".".join(part.name for part in table.parts)
        behind = view(name)
        if behind is not None:
            _check(parse_one(behind, dialect="bigquery"), required, view, _asking(table, tree, outside))
            continue
        for full, column in required.items():
            is_read = full.endswith(f".{name}") or full == name
            if is_read and not _is_filtered(table, column.lower(), tree, outside):
                message = f"Cannot query over table '{full}' without a filter over column(s) '{column}' that can be "
                raise ApiError(400, "invalidQuery", f"{message}used for partition elimination")


def _asking(relation: exp.Expr, tree: exp.Expr, outside: _Outside) -> _Outside:
    return lambda column: _is_filtered(relation, column, tree, outside)


def _is_filtered(relation: exp.Expr, column: str, tree: exp.Expr, outside: _Outside) -> bool:
    """Return whether the queries around a relation filter its column, whichever of them uses it."""
    name, inner = relation.alias_or_name, relation
    while inner.parent is not None:
        before, inner = inner, inner.parent
        match inner:
            case exp.CTE():
                uses = [table for table in tree.find_all(exp.Table) if not table.db and table.name == inner.alias]
                return bool(uses) and all(_is_filtered(use, column, tree, outside) for use in uses)
            case exp.Subquery() if inner.alias:
                name = inner.alias
            case exp.SetOperation():
                column = _in_place(before, inner, column)
            case exp.Select():
                if any(column in _columns(clause, name) for clause in _clauses(inner)):
                    return True
                column = _given(inner, column, name)
        if not column:
            return False
    return outside(column)


def _clauses(select: exp.Select) -> Iterator[exp.Expr]:
    if select.args.get("where"):
        yield select.args["where"].this
    yield from (join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on"))


def _given(select: exp.Select, column: str, relation: str) -> str:
    """Return what a query calls a column of one of its relations; nothing if it does not give it."""
    for item in select.expressions:
        value = _by_day(item.unalias())
        if isinstance(value, exp.Column) and value.table in ("", relation) and value.name.lower() == column:
            return str(item.alias_or_name).lower()
    return column if select.is_star else ""


def _in_place(part: exp.Expr, union: exp.SetOperation, column: str) -> str:
    """Return what a union calls a column of one of its queries: the first query names them."""
    names = [name.lower() for name in part.named_selects] if isinstance(part, exp.Query) else []
    return union.named_selects[names.index(column)].lower() if column in names else column


def _columns(condition: exp.Expr, relation: str) -> frozenset[str]:
    """Return the columns of a relation by which a condition leaves out partitions."""
    match condition:
        case exp.Paren():
            return _columns(condition.this, relation)
        case exp.And():
            return _columns(condition.left, relation) | _columns(condition.right, relation)
        case exp.Or():
            return _columns(condition.left, relation) & _columns(condition.right, relation)
        case exp.Is() if isinstance(condition.expression, exp.Null):
            sides = [condition.this]
        case exp.EQ() | exp.GT() | exp.GTE() | exp.LT() | exp.LTE() | exp.Between() | exp.In():
            found = [condition.this, *(condition.args.get(name) for name in ("expression", "low", "high"))]
            found += condition.args.get("expressions") or []
            sides = [_by_day(side) for side in found if side is not None]
        case _:
            return frozenset()
    bare = [side for side in sides if isinstance(side, exp.Column)]
    others = [side for side in sides if side not in bare]
    if len(bare) != 1 or any(side.find(exp.Column) for side in others) or bare[0].table not in ("", relation):
        return frozenset()
    return frozenset([bare[0].name.lower()])


def _by_day(value: exp.Expr) -> exp.Expr:
    """Return the column whose date a value is, or the value."""
    is_date = isinstance(value, exp.Date | exp.TsOrDsToDate) and isinstance(value.this, exp.Column)
    return value.this if is_date else value
