"""How many rows the largest sort of a query has that one worker does alone.

BigQuery sorts on one worker what an analytic function with ORDER BY has in one of its partitions, what an aggregate
with ORDER BY has in one group, and all rows of a query with ORDER BY and without LIMIT:
https://cloud.google.com/bigquery/docs/best-practices-performance-compute
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlglot import exp, parse_one

from jetstream_argo.sql.text import Sql


@dataclass(frozen=True, slots=True)
class Sort:
    """Sorts of one SELECT: the query for the rows of the largest of them, and the columns that they are by.

    Of an aggregate's they are left out: a list is as long as whoever asks for it lets it be.
    """

    question: Sql
    by: tuple[str, ...]


def largest_sort(sql: str, number: Callable[[Sql], int]) -> int:
    """Return the rows of the largest sort of a query, 0 if it has none; `number` answers a query for a number."""
    return max((number(sort.question) for sort in sorts(sql)), default=0)


def sorts(sql: str) -> Iterator[Sort]:
    """Yield the sorts of every SELECT of a query that has any."""
    for query in list(parse_one(sql, dialect="bigquery").find_all(exp.Select, exp.SetOperation)):
        found = list(_sizes(query)) if isinstance(query, exp.Select) else []
        if found:
            by = tuple(dict.fromkeys(name for order, _ in found for name in order))
            yield _sort(_largest(query, [size for _, size in found]), by)
        if query.args.get("order") and not query.args.get("limit"):
            question = exp.select("COUNT(*)").from_(_without(query, "order").subquery("s"))
            yield _sort(_seeing(query, question), _columns(query.args["order"]))


def _sort(question: exp.Expr, by: tuple[str, ...]) -> Sort:
    return Sort(Sql(question.sql(dialect="bigquery")), by)


def _columns(order: exp.Expr) -> tuple[str, ...]:
    return tuple(column.name for column in order.find_all(exp.Column))


def _sizes(select: exp.Select) -> Iterator[tuple[tuple[str, ...], exp.Expr]]:
    """Yield, for each sort, the columns that it is by, and an expression over the rows of the SELECT for its size."""
    named = {window.name: window for window in select.args.get("windows") or []}
    for part in (*select.expressions, select.args.get("qualify")):
        for order in part.find_all(exp.Order) if part is not None else ():
            if order.find_ancestor(exp.Query) is not select or isinstance(order.parent, exp.Limit):
                continue
            if isinstance(order.parent, exp.Window):
                window = named.get(order.parent.alias, order.parent)
                keys = [key.copy() for key in window.args.get("partition_by") or []]
                size = exp.Window(this=exp.Count(this=exp.Star()), partition_by=keys, over="OVER")
                yield tuple(expression.this.name for expression in order.expressions), size
            else:
                yield (), exp.Count(this=exp.Star())


def _largest(select: exp.Select, sizes: list[exp.Expr]) -> exp.Expr:
    asked = _without(select, "qualify", "order", "windows")
    kept = asked.expressions if asked.args.get("group") else []  # it may group by their names
    names = [f"size_of_sort_{place}" for place in range(len(sizes))]
    asked.set("expressions", [*kept, *(size.as_(name) for size, name in zip(sizes, names, strict=True))])
    largest = ", ".join(f"COALESCE(MAX(s.{name}), 0)" for name in names)
    return _seeing(select, exp.select(f"GREATEST({largest}, 0)").from_(asked.subquery("s")))


def _without(query: exp.Expr, *parts: str) -> exp.Query:
    bare = query.copy()
    assert isinstance(bare, exp.Query)
    for part in ("with_", *parts):
        bare.set(part, None)
    return bare


def _seeing(query: exp.Expr, question: exp.Select) -> exp.Select:
    """Give a question the relations that the query which it is about can name."""
    relations: list[exp.Expr] = []
    outer: exp.Expr | None = query
    while outer is not None:
        clause = outer.args.get("with_")
        seen = [relation.copy() for relation in _before(clause.expressions, query)] if clause is not None else []
        relations = seen + relations
        outer = outer.parent
    if relations:
        question.set("with_", exp.With(expressions=relations))
    return question


def _before(relations: list[exp.Expr], query: exp.Expr) -> Iterator[exp.Expr]:
    for relation in relations:
        if any(part is query for part in relation.walk()):
            return
        yield relation
