"""Tells what may stand between FROM and an alias."""

from functools import lru_cache

from sqlglot import Token, TokenType, exp, parse_one
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError

from jetstream_argo.dialect.literals import without_raw_bytes

_ALIAS = "ds"
_TAKEN = ("ds", "e")  # what expressions call a row of the source, and one of the enrollments
_PARTS = frozenset({"from_", "expressions", "kind"})


@lru_cache(maxsize=1024)  # experiments read the same sources
def relation(text: str) -> str:
    """Return what stands after FROM so that an alias can follow: without a comment at its end, or an alias of its own.

    Tables that are joined become a query in brackets, and a query gets its brackets. What is no SQL is left as it is.

    >>> relation("shop.orders AS o -- all of them"), relation("a.b JOIN a.c USING (id)")
    ('shop.orders', '(SELECT * FROM a.b JOIN a.c USING (id))')
    """
    text = without_raw_bytes(text)
    tokens = _tokens(text)
    if not tokens:
        return text
    whole = text[: tokens[-1].end + 1]
    if tokens[0].token_type in (TokenType.SELECT, TokenType.WITH):
        return f"({whole})"
    if _takes_alias(whole) or not _is_sql(f"SELECT * FROM {whole}"):
        return whole
    shorter = text[: _before_alias(tokens).end + 1]
    return shorter if _takes_alias(shorter) else f"(SELECT * FROM {whole})"


@lru_cache(maxsize=1024)
def own_name(text: str) -> str:
    """Return the name that the text after FROM gives its rows, which `relation` leaves out; empty if it gives none.

    >>> own_name("shop.orders AS o -- all of them"), own_name("(SELECT * FROM a.b) rows"), own_name("a.b")
    ('o', 'rows', '')
    """
    text = without_raw_bytes(text)
    tokens = _tokens(text)
    if len(tokens) < 2 or relation(text) != text[: _before_alias(tokens).end + 1]:  # noqa: PLR2004  # a table and a name
        return ""
    return "" if _takes_alias(text[: tokens[-1].end + 1]) else tokens[-1].text


def with_rows_named(expression: str, own: str) -> str:
    """Return an expression that calls the rows `ds` where it called them by their `own` name.

    An expression that gives that name to something else is left as it is.

    >>> with_rows_named("SUM(o.amount) -- o.amount", "o"), with_rows_named("x.o.y", "o")
    ('SUM(ds.amount) -- o.amount', 'x.o.y')
    """
    if not own or own.lower() in _TAKEN or _gives_name(expression, own):
        return expression
    result, end = "", 0
    tokens = _tokens(expression)
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        is_name = token.token_type is not TokenType.STRING and token.text.lower() == own.lower()
        if is_name and after.token_type is TokenType.DOT and (before is None or before.token_type is not TokenType.DOT):
            result += expression[end : token.start] + _ALIAS
            end = token.end + 1
    return result + expression[end:]


def _gives_name(expression: str, name: str) -> bool:
    try:
        tree = parse_one(f"SELECT {expression}", read="bigquery")
    except SqlglotError:
        return True
    given = [node.alias for node in tree.find_all(exp.Alias)] + [table.name for table in tree.find_all(exp.Table)]
    for alias in tree.find_all(exp.TableAlias):
        given += [alias.name, *(column.name for column in alias.columns)]
    return name.lower() in map(str.lower, given)


def _tokens(text: str) -> list[Token]:
    try:
        return BigQuery().tokenize(text)
    except SqlglotError:
        return []


def _before_alias(tokens: list[Token]) -> Token:
    """Return the last token but for an alias, with AS or without; the last one if there is nothing before it."""
    words = [token.token_type for token in tokens]
    return tokens[-3] if words[-2:-1] == [TokenType.ALIAS] and len(tokens) > 2 else tokens[-2:][0]  # noqa: PLR2004


def _is_sql(text: str) -> bool:
    try:
        return isinstance(parse_one(text, read="bigquery"), exp.Select)
    except SqlglotError:
        return False


def _takes_alias(text: str) -> bool:
    """Whether the text is a table, a query in brackets or the like, without a name yet."""
    try:
        select = parse_one(f"SELECT * FROM {text} AS {_ALIAS}", read="bigquery")
    except SqlglotError:
        return False
    if not isinstance(select, exp.Select) or {name for name, part in select.args.items() if part} - _PARTS:
        return False
    source = select.args["from_"].this
    joined = isinstance(source, exp.Subquery) and not isinstance(source.unnest(), exp.Query)
    return source.alias == _ALIAS and not source.args.get("joins") and not joined
