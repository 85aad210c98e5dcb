"""The columns that each aggregate function keeps per day, and its value over merged days."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from sqlglot import exp, parse_one

from jetstream_argo.plan.sources import Merge

_MERGED_BY_THEMSELVES: dict[type[exp.Expr], Merge] = {
    exp.Sum: Merge.SUM,
    exp.Count: Merge.SUM,
    exp.CountIf: Merge.SUM,
    exp.Min: Merge.MIN,
    exp.Max: Merge.MAX,
    exp.LogicalOr: Merge.LOGICAL_OR,
    exp.LogicalAnd: Merge.LOGICAL_AND,
    exp.BitwiseAndAgg: Merge.BIT_AND,
    exp.BitwiseOrAgg: Merge.BIT_OR,
    exp.BitwiseXorAgg: Merge.BIT_XOR,
}
_BY_ANOTHER: dict[type[exp.Expr], Merge] = {exp.ArgMax: Merge.MAX_BY, exp.ArgMin: Merge.MIN_BY}
# Aggregate, the power of the deviation's scale, and how many units the denominator leaves out.
_SPREAD: dict[type[exp.Expr], tuple[bool, int]] = {
    exp.Variance: (False, 1),
    exp.VariancePop: (False, 0),
    exp.Stddev: (True, 1),
    exp.StddevSamp: (True, 1),
    exp.StddevPop: (True, 0),
}


@dataclass(frozen=True, slots=True)
class DailyAggregate:
    """One aggregate to be kept per day."""

    aggregate: exp.Expr
    merge: Merge


# Takes the columns in which an aggregate's states are merged, gives the aggregate's value.
Finish: TypeAlias = Callable[[list[exp.Expr]], exp.Expr]


class CannotSplitError(Exception):
    """Why an aggregate has no mergeable parts."""


def states_of(aggregate: exp.Expr, date_column: str) -> tuple[list[DailyAggregate], Finish]:
    """Return what to keep per day of `aggregate`, and how its value follows from the merged states."""
    kind = type(aggregate)
    if aggregate.find(exp.HavingMax, exp.Order, exp.Limit):
        raise CannotSplitError(f"{title(aggregate)} picks rows by an order")
    argument = aggregate.this
    if isinstance(argument, exp.Distinct):
        return _distinct(aggregate, argument, date_column)
    if kind in _MERGED_BY_THEMSELVES:
        return [DailyAggregate(aggregate.copy(), _MERGED_BY_THEMSELVES[kind])], lambda columns: columns[0]
    if kind is exp.Avg:
        total, count = exp.Sum(this=argument.copy()), exp.Count(this=argument.copy())
        return [DailyAggregate(total, Merge.SUM), DailyAggregate(count, Merge.SUM)], _call("SAFE_DIVIDE")
    if kind in _BY_ANOTHER:
        return _by_another(aggregate, _BY_ANOTHER[kind])
    if kind in _SPREAD:
        return _spread(aggregate, *_SPREAD[kind])
    raise CannotSplitError(f"{title(aggregate)} cannot be merged")


def title(aggregate: exp.Expr) -> str:
    inner = aggregate.this if isinstance(aggregate, exp.IgnoreNulls | exp.RespectNulls) else aggregate
    return inner.sql_name() if isinstance(inner, exp.Func) else str(inner.key).upper()


def _call(function: str) -> Finish:
    return lambda columns: exp.func(function, *columns, dialect="bigquery")


def _distinct(aggregate: exp.Expr, distinct: exp.Distinct, date_column: str) -> tuple[list[DailyAggregate], Finish]:
    """Count distinct values exactly: dates by a flag per day, anything else by a set per day."""
    if not isinstance(aggregate, exp.Count):
        raise CannotSplitError(f"{title(aggregate)}(DISTINCT) cannot be merged")
    if len(distinct.expressions) != 1:
        raise CannotSplitError("COUNT(DISTINCT) of several values cannot be merged")
    (value,) = distinct.expressions
    if _only_the_date(value, date_column):
        any_row = exp.func("LOGICAL_OR", _is_not_null(value), dialect="bigquery")
        flag = exp.func("IF", any_row, _one_date(value, date_column), "0", dialect="bigquery")
        return [DailyAggregate(flag, Merge.SUM)], lambda columns: columns[0]
    state = parse_one("ARRAY_AGG(DISTINCT x IGNORE NULLS)", read="bigquery")
    state.find(exp.Distinct).set("expressions", [value.copy()])  # type: ignore[union-attr]  # it is there
    return [DailyAggregate(state, Merge.CONCAT)], lambda columns: _over_set("COUNT(DISTINCT v)", columns[0])


def _is_not_null(value: exp.Expr) -> exp.Expr:
    return exp.Is(this=exp.paren(value.copy()), expression=exp.Null()).not_()


def _only_the_date(value: exp.Expr, date_column: str) -> bool:
    """Whether `value` is the row's date or NULL: then a day has one distinct value or none."""
    if isinstance(value, exp.If):
        otherwise = value.args.get("false")
        return _only_the_date(value.args["true"], date_column) and (
            otherwise is None or isinstance(otherwise, exp.Null) or _only_the_date(otherwise, date_column)
        )
    if isinstance(value, exp.Case):
        default = value.args.get("default")
        return (
            value.this is None
            and all(_only_the_date(branch.args["true"], date_column) for branch in value.args["ifs"])
            and (default is None or isinstance(default, exp.Null) or _only_the_date(default, date_column))
        )
    return _is_date_of(value, date_column) or _is_column(value, date_column)


def _is_date_of(value: exp.Expr, date_column: str) -> bool:
    """Whether `value` is DATE(column), in UTC as the days are."""
    return (
        isinstance(value, exp.Date) and len(list(value.iter_expressions())) == 1 and _is_column(value.this, date_column)
    )


def _is_column(value: exp.Expr, date_column: str) -> bool:
    return isinstance(value, exp.Column) and value.name == date_column and value.table in ("", "ds")


def _one_date(value: exp.Expr, date_column: str) -> exp.Expr:
    """Return 1, or an error if the column turns out to hold times, of which a day may have many.

    The column's type is not known when a plan is made.
    """
    lowest, highest = exp.Min(this=value.copy()), exp.Max(this=value.copy())
    advice = f"{date_column} holds times, and a day has many: COUNT(DISTINCT DATE({date_column})) counts days"
    error = exp.func("ERROR", exp.Literal.string(advice), dialect="bigquery")
    return exp.func("IF", exp.EQ(this=lowest, expression=highest), "1", error, dialect="bigquery")


def _over_set(select: str, column: exp.Expr) -> exp.Expr:
    query = parse_one(f"(SELECT {select} FROM UNNEST(x) AS v)", read="bigquery")
    query.find(exp.Unnest).set("expressions", [column])  # type: ignore[union-attr]  # it is there
    return query


def _by_another(aggregate: exp.Expr, merge: Merge) -> tuple[list[DailyAggregate], Finish]:
    """Keep the value together with what it was chosen by."""
    by = aggregate.expression.copy()
    extreme = exp.Max(this=by) if merge is Merge.MAX_BY else exp.Min(this=by)
    struct = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.to_identifier("value"), expression=aggregate.copy()),
            exp.PropertyEQ(this=exp.to_identifier("rank"), expression=extreme),
        ]
    )
    return [DailyAggregate(struct, merge)], lambda columns: columns[0]


def _spread(aggregate: exp.Expr, root: bool, left_out: int) -> tuple[list[DailyAggregate], Finish]:
    """Keep count, mean and summed squared deviations of each day; merge them about the common mean.

    Source: Chan, Golub, LeVeque (1983), The American Statistician 37, 242-247.
    """
    state = parse_one(
        "[STRUCT(COUNT(x) AS n, AVG(x) AS mean, VAR_POP(x) * COUNT(x) AS m2)]", read="bigquery"
    ).transform(lambda node: aggregate.this.copy() if isinstance(node, exp.Column) else node)
    power = "SQRT" if root else ""
    query = f"""(
      SELECT {power}(SAFE_DIVIDE(
        SUM(day.m2) + SUM(day.n * POW(day.mean - every.mean, 2)), NULLIF(SUM(day.n) - {left_out}, 0)))
      FROM UNNEST(x) AS day
      CROSS JOIN (SELECT SAFE_DIVIDE(SUM(v.n * v.mean), SUM(v.n)) AS mean FROM UNNEST(x) AS v) AS every)"""

    def finish(columns: list[exp.Expr]) -> exp.Expr:
        tree = parse_one(query, read="bigquery")
        for unnest in list(tree.find_all(exp.Unnest)):
            unnest.set("expressions", [columns[0].copy()])
        return tree

    return [DailyAggregate(state, Merge.CONCAT)], finish
