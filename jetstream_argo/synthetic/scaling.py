"""Computes by how much an expression's mean is multiplied when columns' means are."""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.dialect.inference.constants import constant
from jetstream_argo.dialect.syntax import parse_query, path_of, table_name

# Per table, the columns whose mean is multiplied, in lower case.
Factors: TypeAlias = Mapping[str, Mapping[str, float]]

# What a column's name stands for: its factor, 1 where nothing changes it, None where that cannot be told.
_Lookup: TypeAlias = Callable[[list[str]], float | None]

_THROUGH = (exp.Sum, exp.Avg, exp.Paren, exp.Cast, exp.Alias, exp.Neg)
_PRODUCTS = (exp.Div, exp.SafeDivide)
_CHOICES = (exp.If, exp.Case)


def metric_scale(select_expression: str, *, from_expression: str, factors: Factors) -> float | None:
    """Return by how much the mean of a unit's metric is multiplied; None where that does not follow.

    Exact for expressions that are linear in one changed column: a changed column's values, given which rows there are
    and their other columns, have their mean multiplied.
    """
    query = parse_query(f"SELECT {select_expression} AS value FROM {from_expression} AS ds")
    return _scale(query.expressions[0], _relations(query, factors))


def _scale(node: exp.Expr, lookup: _Lookup) -> float | None:
    if _untouched(node, lookup):
        return 1.0
    match node:
        case exp.Column() | exp.Dot():
            return _column(node, lookup)
        case exp.Coalesce():
            return _scale(node.this, lookup) if all(constant(other) == 0 for other in node.expressions) else None
        case exp.Mul():
            return _times(_scale(node.this, lookup), _scale(node.expression, lookup))
        case exp.Add() | exp.Sub():
            left, right = _scale(node.this, lookup), _scale(node.expression, lookup)
            return left if left == right else None
        case exp.CountIf():
            return _rate(node.this, lookup)
        case exp.Count():
            # Effects change no value to NULL.
            return 1.0 if isinstance(node.this, exp.Column) else None
    if isinstance(node, _THROUGH):
        return _scale(node.this, lookup)
    if isinstance(node, _PRODUCTS):
        return _scale(node.this, lookup) if _scale(node.expression, lookup) == 1.0 else None
    return _choice(node, lookup) if isinstance(node, _CHOICES) else None


def _choice(node: exp.Expr, lookup: _Lookup) -> float | None:
    """Return the scale that all outcomes share, those aside that are NULL or 0."""
    whens = [node] if isinstance(node, exp.If) else node.args["ifs"]
    conditions = [when.this for when in whens] + ([node.this] if isinstance(node, exp.Case) and node.this else [])
    last = node.args.get("false" if isinstance(node, exp.If) else "default")
    if len(whens) == 1 and not isinstance(conditions[-1], exp.Literal) and constant(whens[0].args["true"]) == 1:
        # IF(flag, 1, 0) counts the flag.
        return _rate(conditions[0], lookup) if last is None or constant(last) == 0 else None
    if not all(_untouched(condition, lookup) for condition in conditions):
        return None
    outcomes = [when.args["true"] for when in whens] + ([last] if last is not None else [])
    scales = {
        _scale(outcome, lookup) for outcome in outcomes if not isinstance(outcome, exp.Null) and constant(outcome) != 0
    }
    return scales.pop() if len(scales) == 1 else None


def _rate(condition: exp.Expr, lookup: _Lookup) -> float | None:
    """Return the scale of how often a condition holds, where one changed flag and unchanged conditions must hold."""
    if _untouched(condition, lookup):
        return 1.0
    match condition:
        case exp.Column() | exp.Dot():
            return _column(condition, lookup)
        case exp.Paren():
            return _rate(condition.this, lookup)
        case exp.And():
            return _times(_rate(condition.this, lookup), _rate(condition.expression, lookup))
        case _:
            return None


def _times(left: float | None, right: float | None) -> float | None:
    """Return the scale of a product of which at most one side changes."""
    if left is None or right is None or (left != 1.0 and right != 1.0):
        return None
    return left * right


def _untouched(node: exp.Expr, lookup: _Lookup) -> bool:
    """Return whether an expression reads nothing that differs by branch."""
    return all(_column(column, lookup) == 1.0 for column in _names(node))


def _names(node: exp.Expr) -> Iterable[exp.Expr]:
    for inner in node.walk(prune=lambda child: isinstance(child, exp.Dot) and path_of(child)[0] is None):
        if isinstance(inner, exp.Column) or (isinstance(inner, exp.Dot) and path_of(inner)[0] is None):
            yield inner


def _column(node: exp.Expr, lookup: _Lookup) -> float | None:
    start, names = path_of(node)
    return lookup([name.lower() for name in names]) if start is None else None


def _relations(query: exp.Query, factors: Factors) -> _Lookup:
    """Return what the names of a SELECT's columns stand for."""
    source = query.args.get("from_")
    joins = [join.this for join in query.args.get("joins") or ()]
    found = {node.alias_or_name.lower(): _relation(node, factors) for node in ([source.this] if source else []) + joins}

    def lookup(names: list[str]) -> float | None:
        if names[0] == "e" and "e" not in found:
            return None if names[1:] == ["branch"] else 1.0
        if names[0] in found and len(names) > 1:
            return found[names[0]](names[1:])
        changed = [scale for scale in (relation(names) for relation in found.values()) if scale != 1.0]
        return 1.0 if not changed else changed[0] if len(changed) == 1 else None

    return lookup


def _relation(node: exp.Expr, factors: Factors) -> _Lookup:
    match node:
        case exp.Table():
            changed = factors.get(table_name(node), {})
            return lambda names: changed.get(".".join(names), 1.0)
        case exp.Subquery(this=exp.Select() as select) if not select.args.get("with_"):
            return _selected(select, factors)
        case _:
            touched = any(table_name(table) in factors for table in node.find_all(exp.Table))
            return lambda names: None if touched else 1.0


def _selected(select: exp.Select, factors: Factors) -> _Lookup:
    inner = _relations(select, factors)
    columns = {item.alias_or_name.lower(): item for item in select.expressions}
    has_star = any(item.is_star for item in select.expressions)
    conditions = [select.args[clause].this for clause in ("where", "having", "qualify") if select.args.get(clause)]
    chosen_by_effect = not all(_untouched(condition, inner) for condition in conditions)

    def lookup(names: list[str]) -> float | None:
        if chosen_by_effect:
            return None
        item = columns.get(names[0])
        if item is not None and not item.is_star:
            return _scale(item, inner) if len(names) == 1 else None
        return inner(names) if has_star else 1.0

    return lookup
