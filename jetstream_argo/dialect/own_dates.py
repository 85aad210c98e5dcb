"""Finds tables that the text after FROM reads by dates of its own, which a filter from outside does not narrow."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, build_scope

from jetstream_argo.dialect.syntax import parse_query, table_name
from jetstream_argo.errors import EngineError

_ROWS = "ds"
_DATE = re.compile(r"\d{4}-?\d{2}-?\d{2}(?!\d)")
_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.Between)
_CLOCKS = (exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentDatetime)

# Relations that a filter narrows: the query in which they stand, and what they are called there.
_Narrowed: TypeAlias = set[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class OwnDates:
    """A table whose dates a `condition` of the text decides; `by_clock` says that it follows the day of the run."""

    table: str
    condition: str
    by_clock: bool


def own_dates(from_expression: str, date_column: str) -> tuple[OwnDates, ...]:
    """Return the tables that are read by dates of their own whichever dates of `date_column` are asked for.

    A condition on the rows that `date_column` comes from is none of these: a filter of it narrows them, too. Of SQL
    that does not parse nothing is known.

    >>> rows = "(SELECT a.day FROM a JOIN (SELECT id FROM b WHERE day > '2026-01-01') USING (id))"
    >>> [own.table for own in own_dates(rows, "day")]
    ['b']
    """
    try:
        root = build_scope(parse_query(f"SELECT * FROM {from_expression} AS {_ROWS}"))
    except (EngineError, SqlglotError, RecursionError):
        return ()
    if root is None:
        return ()
    narrowed: _Narrowed = set()
    _follow(root, date_column.split(".")[0], narrowed)
    found = (own for scope in root.traverse() for own in _of_scope(scope, narrowed))
    return tuple({own.table: own for own in found}.values())


def _follow(scope: Scope, column: str, narrowed: _Narrowed, place: int | None = None) -> None:
    """Note the relations that are narrowed by a filter of what a query calls `column`, or has in this `place`."""
    for part in scope.set_operation_scopes or ():
        _follow(part, column, narrowed, _place(scope.expression, column) if place is None else place)
    if not isinstance(scope.expression, exp.Select):
        return
    given = _given(scope.expression, column, place)
    if given.find(exp.AggFunc, exp.Window) or not _passes(scope.expression, given, column):
        return
    for origin in given.find_all(exp.Column):
        for name in _origins(origin, scope) or ([] if origin.table else list(scope.selected_sources)):
            source = scope.sources.get(name)
            if source is None or (id(scope.expression), name) in narrowed:
                continue
            narrowed.add((id(scope.expression), name))
            if isinstance(source, Scope):
                _follow(source, origin.name, narrowed)


def _place(query: exp.Expr, column: str) -> int | None:
    """Return which of its columns a query calls `column`: in a union the first query names them for all."""
    names = _names(query)
    return names.index(column.lower()) if column.lower() in names and "*" not in names else None


def _names(query: exp.Expr) -> list[str]:
    return [name.lower() for name in query.named_selects] if isinstance(query, exp.Query) else []


def _given(select: exp.Select, column: str, place: int | None) -> exp.Expr:
    """Return what a query gives as `column`; by a star it is what has that name below."""
    if place is not None and place < len(select.expressions) and not select.is_star:
        item: exp.Expr = select.expressions[place]
        return item
    for item in select.expressions:
        if item.alias_or_name.lower() == column.lower():
            return item
    stars = [item.table for item in select.expressions if isinstance(item, exp.Column) and item.is_star]
    return exp.column(column, table=stars[0] if len(stars) == 1 else None)


def _passes(select: exp.Select, given: exp.Expr, column: str) -> bool:
    """Whether a filter may be moved to before the query: not where rows are numbered or cut off across dates."""
    if select.args.get("limit"):
        return False
    names = {column.lower(), given.unalias().sql("bigquery").lower()}
    windows = [*select.find_all(exp.Window)]
    own = [window for window in windows if window.find_ancestor(exp.Select) is select]
    return all(
        names & {part.sql("bigquery").lower() for part in window.args.get("partition_by") or ()} for window in own
    )


def _of_scope(scope: Scope, narrowed: _Narrowed) -> Iterator[OwnDates]:
    select = scope.expression
    if not isinstance(select, exp.Select):
        return
    for condition in select.find_all(*_COMPARISONS):
        if condition.find_ancestor(exp.Select) is not select or not _is_filter(condition, select):
            continue
        by_clock = condition.find(*_CLOCKS) is not None
        if not by_clock and not any(_DATE.match(text.name) for text in condition.find_all(exp.Literal)):
            continue
        for name in _relations(condition, scope):
            if (id(select), name) not in narrowed:
                text = condition.sql("bigquery")
                yield from (OwnDates(table, text, by_clock) for table in _tables(scope.sources[name]))


def _is_filter(condition: exp.Expr, select: exp.Select) -> bool:
    """Whether it decides about rows: it stands in WHERE or in a join, and is not a value of a column."""
    clause = condition.find_ancestor(exp.Where, exp.Join, exp.Select)
    return clause is not None and clause is not select


def _relations(condition: exp.Expr, scope: Scope) -> list[str]:
    """Return the relations of a query whose columns a condition compares."""
    found = {name for column in condition.find_all(exp.Column) for name in _origins(column, scope)}
    return [name for name in scope.sources if name in found]


def _origins(column: exp.Column, scope: Scope) -> list[str]:
    """Return the relation that a column is of; without its name those that have the column, or may be the only one."""
    if column.table:
        return [column.table] if column.table in scope.sources else []
    rows = {name: source for name, source in scope.selected_sources.items() if not _is_unnested(source[1])}
    given = [
        name
        for name, (_, source) in rows.items()
        if isinstance(source, Scope) and column.name.lower() in _names(source.expression)
    ]
    tables = [name for name, (_, source) in rows.items() if isinstance(source, exp.Table)]
    return given or (tables if len(tables) == 1 else list(rows) if len(rows) == 1 else [])


def _is_unnested(source: Scope | exp.Expr) -> bool:
    return isinstance(source, Scope) and not isinstance(source.expression, exp.Query)


def _tables(source: Scope | exp.Expr) -> Iterator[str]:
    """Yield the tables that a relation is made of."""
    if isinstance(source, exp.Table):
        yield table_name(source)
    elif isinstance(source, Scope):
        for part in (*(source.set_operation_scopes or ()), *source.sources.values()):
            yield from _tables(part)
