"""Finds the values that rows must have together for a query's conditions to find them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import TypeAlias

from sqlglot import exp

from jetstream_argo.dialect.inference.columns import Guess
from jetstream_argo.dialect.inference.constants import constant, matching
from jetstream_argo.dialect.syntax import parse_query, path_of, table_name, udf_call
from jetstream_argo.dialect.types import Scalar

# The way to a value inside a row: a column, fields of structs, ANY for an array's elements, KEY and a map's or a JSON
# document's key.
Path: TypeAlias = tuple[str, ...]
ANY = "[*]"
KEY = "[key]"

Columns: TypeAlias = Mapping[str, Mapping[str, Guess]]
_MOST = 48  # alternatives that are kept of one condition


@dataclass(frozen=True, slots=True)
class Pattern:
    """Values that a row of `table` has at the same time."""

    table: str
    values: tuple[tuple[Path, Scalar], ...] = ()


# A condition in disjunctive normal form, before it is known which table has the names.
_Conjunction: TypeAlias = tuple[tuple[Path, Scalar], ...]


@dataclass(slots=True)
class _Names:
    """What the queries of WITH are, and which arrays the names of unnested elements stand for."""

    queries: dict[str, tuple[Pattern, ...]] = field(default_factory=dict)
    elements: dict[str, Path] = field(default_factory=dict)


def filter_patterns(sql: str, columns: Columns) -> tuple[Pattern, ...]:
    """Return, per table, what WHERE asks of a row; one pattern for each of several ways to satisfy it."""
    return tuple(dict.fromkeys(_query(parse_query(sql), _Names(), columns, selected=False)))


def row_patterns(sql: str, columns: Columns) -> tuple[Pattern, ...]:
    """Return the patterns of WHERE, and those of the conditions inside the selected expressions along with it."""
    return tuple(dict.fromkeys(_query(parse_query(sql), _Names(), columns, selected=True)))


def _query(node: exp.Expr, around: _Names, columns: Columns, *, selected: bool) -> tuple[Pattern, ...]:
    names = _Names(dict(around.queries), dict(around.elements))
    with_ = node.args.get("with_")
    for cte in with_.expressions if with_ is not None else ():
        names.queries[cte.alias.lower()] = _query(cte.this, names, columns, selected=selected)
    match node:
        case exp.Subquery():
            return _query(node.this, names, columns, selected=selected)
        case exp.SetOperation():
            left = _query(node.this, names, columns, selected=selected)
            return left + _query(node.expression, names, columns, selected=selected)
        case exp.Select():
            return _select(node, names, columns, selected=selected)
        case _:
            return ()


def _select(node: exp.Select, names: _Names, columns: Columns, *, selected: bool) -> tuple[Pattern, ...]:
    source = node.args.get("from_")
    joins = [join.this for join in node.args.get("joins") or ()]
    found: list[Pattern] = []
    for relation in [*([source.this] if source is not None else []), *joins]:
        found += _relation(relation, names, columns, selected=selected)
    where = node.args.get("where")
    filtered = _narrow(found, _alternatives(where.this, names) if where is not None else ((),), columns)
    if not selected:
        return tuple(filtered)
    return tuple(filtered) + tuple(
        narrowed
        for condition in _conditions(node.expressions)
        for narrowed in _narrow(filtered, _alternatives(condition, names), columns)
    )


def _relation(node: exp.Expr, names: _Names, columns: Columns, *, selected: bool) -> tuple[Pattern, ...]:
    match node:
        case exp.Unnest():
            alias = node.args.get("alias")
            start, path = path_of(node.expressions[0])
            if alias is not None and start is None:
                name = alias.name or next((column.name for column in alias.columns), "")
                names.elements[name.lower()] = (*path, ANY)
            return ()
        case exp.Table():
            name = table_name(node)
            return names.queries.get(name.lower(), (Pattern(name),) if name in columns else ())
        case exp.Subquery():
            return _query(node.this, names, columns, selected=selected)
        case _:
            return ()


def _conditions(expressions: Iterable[exp.Expr]) -> Iterable[exp.Expr]:
    """Yield the conditions under which selected expressions count a row, subqueries aside."""
    for expression in expressions:
        for node in expression.walk(prune=lambda inner: isinstance(inner, exp.Query)):
            match node:
                case exp.CountIf() | exp.LogicalOr() | exp.If():
                    yield node.this
                case exp.Case(this=None):
                    yield from (branch.this for branch in node.args["ifs"])
                case _:
                    pass


def _alternatives(node: exp.Expr, names: _Names) -> tuple[_Conjunction, ...]:
    """Return the ways to satisfy a condition as far as it asks for certain values; the rest is left to chance."""
    match node:
        case exp.Paren():
            return _alternatives(node.this, names)
        case exp.Or():
            return (_alternatives(node.this, names) + _alternatives(node.expression, names))[:_MOST]
        case exp.And():
            pairs = product(_alternatives(node.this, names), _alternatives(node.expression, names))
            return tuple(left + right for left, right in pairs)[:_MOST]
        case exp.EQ():
            return _equal(node.this, [node.expression], names) or _equal(node.expression, [node.this], names) or ((),)
        case exp.In():
            return _equal(node.this, node.expressions, names) or ((),)
        case exp.Like() | exp.StartsWith() | exp.RegexpLike():
            path, text = _path(node.this, names), constant(node.expression)
            return (((path, matching(node, text)),),) if path and isinstance(text, str) else ((),)
        case exp.Column():
            path = _path(node, names)
            return (((path, True),),) if path else ((),)
        case _:
            return ((),)


def _equal(side: exp.Expr, others: list[exp.Expr], names: _Names) -> tuple[_Conjunction, ...]:
    path = _path(side, names)
    values = [constant(other) for other in others]
    return tuple(((path, value),) for value in values if value is not None) if path else ()


def _path(node: exp.Expr, names: _Names) -> Path:
    """Return where a condition's value is, as the query names it; empty if it is computed."""
    call = udf_call(node)
    if call is not None:
        name, arguments = call
        key = constant(arguments[1]) if name.lower().endswith("get_key") and len(arguments) > 1 else None
        inner = _path(arguments[0], names) if isinstance(key, str) else ()
        return (*inner, KEY, str(key)) if inner else ()
    match node:
        case exp.Paren() | exp.Lower() | exp.Trim():
            return _path(node.this, names)
        case exp.JSONExtractScalar() | exp.JSONExtract():
            inner, path = _path(node.this, names), node.expression
            keys = [part.this for part in path.expressions if isinstance(part, exp.JSONPathKey)]
            return (*inner, *(step for key in keys for step in (KEY, str(key)))) if inner and keys else ()
        case exp.Column() | exp.Dot() | exp.Identifier():
            start, parts = path_of(node)
            if start is not None or not parts:
                return ()
            return (*names.elements.get(parts[0].lower(), parts[:1]), *parts[1:])
        case _:
            return ()


def _narrow(patterns: list[Pattern], alternatives: tuple[_Conjunction, ...], columns: Columns) -> list[Pattern]:
    narrowed = []
    for pattern in patterns:
        for conjunction in alternatives:
            values = dict(pattern.values)
            agrees = True
            for path, value in conjunction:
                located = _located(path, columns[pattern.table])
                if located:
                    agrees = agrees and values.setdefault(located, value) == value
            if agrees:
                narrowed.append(Pattern(pattern.table, tuple(values.items())))
    return list(dict.fromkeys(narrowed))[:_MOST]


def _located(path: Path, columns: Mapping[str, Guess]) -> Path:
    """Return `path` as the table spells it, without the alias in front; empty if the table has no such value."""
    return _descend(path, columns) or _descend(path[1:], columns)


def _descend(path: Path, columns: Mapping[str, Guess]) -> Path:
    if not path:
        return ()
    name = next((name for name in columns if name.lower() == path[0].lower()), None)
    if name is None:
        return ()
    guess, located, rest = columns[name], [name], list(path[1:])
    while rest:
        step = rest.pop(0)
        inner: Guess | None = None
        if step == KEY and rest:
            key = rest.pop(0)
            inner = guess.keys.get(key) or (guess.element.fields.get("value") if guess.element is not None else None)
            located += [KEY, key]
        elif step == ANY:
            inner = guess.element
            located.append(ANY)
        else:
            step = next((field for field in guess.fields if field.lower() == step.lower()), step)
            inner = guess.fields.get(step)
            located.append(step)
        if inner is None:
            return ()
        guess = inner
    return tuple(located)
