"""Explains a warehouse's refusal to somebody who wrote an expression, and not the query around it."""

import re
from collections.abc import Iterable, Iterator

from sqlglot import exp

from jetstream_argo.dialect.syntax import parse_query, udf_call
from jetstream_argo.dialect.type_names import element, members
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import InvalidQuery, JetstreamArgoError, NotFound, Unsupported, nearest

# What engines say beside the fault itself: its kind, the job, places in generated SQL, candidates, codes.
_BESIDE = re.compile(
    r"\A(?:\w+ Error: |job [\w:.-]+: |BigQuery: )|\s*(?:\(line \d+: .*\)|\[at \d+:\d+\]|at \[\d+:\d+\])"
    r"|\s*(?:Candidate \w+: |Did you mean |You might need to |Signature: ).*|\s*\(\w+, HTTP \d+.*\)\Z",
    re.DOTALL | re.IGNORECASE,
)
_TYPES = re.compile(r"\n\s*(Argument types: [^\n]*)")
_MOST_NAMES = 12


def explained(error: JetstreamArgoError, text: str, columns: Iterable[Column], *, rows: str) -> str:
    """Return what is wrong with the expression or query `text` over `columns`, without places in generated SQL.

    `rows` says whose columns they are. The message about an unknown name offers the nearest.
    """
    if isinstance(error, NotFound):
        return str(error).partition("\n")[0]
    message = cleaned(str(error))
    known = {name: None for column in columns for name in _names_within(column)}
    lowered = {name.lower() for name in known}
    for name in _names_in(text):
        if known and name.lower() not in lowered and re.search(rf"\b{re.escape(name)}\b", message, re.IGNORECASE):
            return unknown_column(name, known, rows=rows)
    return message


def unknown_column(name: str, known: Iterable[str], *, rows: str) -> str:
    """Return that `rows` have no column of that name, with the nearest, or all if there are few."""
    names = list(dict.fromkeys(known))
    hint = nearest(name, names)
    if not hint and names:
        more = " …" if len(names) > _MOST_NAMES else ""
        hint = f"; there are {', '.join(names[:_MOST_NAMES])}{more}"
    return f"column {name!r} is not among those of {rows}{hint}"


def cleaned(message: str) -> str:
    """Return an engine's message without what it says of lines and columns of generated SQL.

    >>> cleaned("Binder Error: No function matches sum(VARCHAR) (line 3: SUM(os))")
    'No function matches sum(VARCHAR)'
    >>> cleaned("job ab-1: Unrecognized name: x; Did you mean y? at [3:14] (invalidQuery, HTTP 400)\\n  3 | x")
    'Unrecognized name: x'
    """
    first = message.partition("\n")[0]
    types = _TYPES.search(message)
    text = f"{first}; {types[1]}" if types else first
    while _BESIDE.search(text):
        text = _BESIDE.sub("", text)
    return text.strip(" ;")


def _names_within(column: Column) -> Iterator[str]:
    """Yield a column's name, and those of all fields in it."""
    yield column.name
    inner = element(column.type) or column.type
    try:
        fields = members(inner)
    except InvalidQuery:  # fields without names cannot be misspelt
        return
    for name, type_ in fields:
        yield from _names_within(Column(name, type_))


def _names_in(text: str) -> Iterator[str]:
    """Yield the names of columns and fields in an expression or a query, but not those that it gives itself."""
    try:
        tree = parse_query(text if text.lstrip("( \n").lower().startswith(("select", "with")) else f"SELECT {text}")
    except (InvalidQuery, Unsupported):
        return
    aliases = {node.alias.lower() for node in tree.find_all(exp.Alias, exp.CTE, exp.Subquery, exp.Table, exp.Unnest)}
    aliases |= {column.name.lower() for alias in tree.find_all(exp.TableAlias) for column in alias.columns}
    functions = {id(name) for node in tree.find_all(exp.Column, exp.Dot) for name in _function_names(node)}
    for name in tree.find_all(exp.Identifier):
        is_column = isinstance(name.parent, exp.Column | exp.Dot) and id(name) not in functions
        if is_column and name.name.lower() not in {*aliases, "ds", "e"}:
            yield name.name


def _function_names(node: exp.Expr) -> Iterator[exp.Identifier]:
    """Yield what leads to a function in a call such as `mozfun.map.get_key(…)`."""
    if udf_call(node) is None:
        return
    before = node.parts[:-1] if isinstance(node, exp.Column) else [node.this]
    yield from (name for part in before for name in part.find_all(exp.Identifier))
