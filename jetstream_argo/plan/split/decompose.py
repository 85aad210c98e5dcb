"""Splits a metric's expression into partial aggregates per day and a finaliser over their merged values.

`SAFE_DIVIDE(SUM(x), COUNT(*))` becomes the partials `SUM(x)` and `COUNT(*)`, both merged by SUM, and the finaliser
`SAFE_DIVIDE(p_1, p_2)`. What cannot be split exactly is `Direct`, with the reason; nothing is approximated.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp

from jetstream_argo.dialect.expressions import parsed
from jetstream_argo.dialect.rendering import bigquery_text
from jetstream_argo.plan.sources import Composed, Direct, Partial
from jetstream_argo.plan.split.aggregates import CannotSplitError, DailyAggregate, states_of, title

# Columns of the enrollments that a partial may refer to: it is computed joined to them, for every window at once.
_PER_UNIT = frozenset({"analysis_id", "branch", "enrollment_date"})
# Columns that only a query over one window has.
_PER_WINDOW = frozenset({"analysis_window_start", "analysis_window_end", "exposure_date", "num_exposure_events"})


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The partials of one expression, in the order in which they occur in it, and what follows from them."""

    partials: tuple[Partial, ...]
    computation: Composed | Direct


@lru_cache(maxsize=4096)  # experiments ask for the same metrics
def decompose(expression: str, *, date_column: str, name_column: Callable[[str], str]) -> Decomposition:
    """Split an aggregate `expression` (BigQuery's dialect) over the rows `ds` of a source and the enrollments `e`.

    `name_column` gives a partial's column from its expression, always the same from the same.

    Raises:
        PlanError: the expression is not SQL.
    """
    tree = parsed(expression).copy()
    partials: dict[str, Partial] = {}

    def keep(state: DailyAggregate) -> exp.Expr:
        text = bigquery_text(state.aggregate)
        column = name_column(text)
        partials.setdefault(column, Partial(column, text, state.merge))
        return exp.column(column)

    try:
        _refuse(tree)
        for aggregate in _outermost_aggregates(tree):
            states, finish = states_of(aggregate, date_column)
            value = finish([keep(state) for state in states])
            tree = value if aggregate is tree else tree
            if aggregate is not value and aggregate.parent is not None:
                aggregate.replace(value)
        if not partials:
            raise CannotSplitError("it aggregates nothing")
        _refuse_rows(tree, partials)
    except CannotSplitError as reason:
        return Decomposition((), Direct(str(reason)))
    return Decomposition(tuple(partials.values()), Composed(tuple(partials), bigquery_text(tree)))


def _refuse(tree: exp.Expr) -> None:
    """Refuse what has no meaning for one day at a time."""
    if tree.find(exp.Window):
        raise CannotSplitError("it uses a window function")
    for column in tree.find_all(exp.Column):
        if column.name.lower() in _PER_WINDOW and column.table in ("", "e"):
            raise CannotSplitError(f"it refers to {column.sql()}, which differs from window to window")


def _refuse_rows(tree: exp.Expr, partials: dict[str, Partial]) -> None:
    """Refuse columns of rows outside of any aggregate; BigQuery refuses them too, but for grouping columns."""
    inner = {alias for relation in tree.find_all(exp.Unnest, exp.Subquery) for alias in _names(relation)}
    for column in tree.find_all(exp.Column):
        known = column.name in partials or column.name in inner or column.table in inner
        if not (known or (column.table == "e" and column.name.lower() in _PER_UNIT)):
            raise CannotSplitError(f"{column.sql('bigquery')} stands outside of any aggregate")


def _names(relation: exp.Expr) -> list[str]:
    alias = relation.args.get("alias")
    return [column.name for column in alias.columns] + [alias.name] if alias else []


def _outermost_aggregates(tree: exp.Expr) -> list[exp.Expr]:
    """Return the aggregates that stand in no other aggregate, in the order of the text."""
    found = list(_aggregates(tree))
    for aggregate in found:
        if aggregate.find_ancestor(exp.Select):
            raise CannotSplitError(f"{title(aggregate)} stands in a subquery of its own")
    return found


def _aggregates(tree: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(tree, exp.AggFunc | exp.IgnoreNulls | exp.RespectNulls):
        yield tree
        return
    for child in tree.iter_expressions():
        yield from _aggregates(child)
