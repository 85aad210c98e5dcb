"""What may stand between FROM and an alias."""

from sqlglot import Token, TokenType, exp, parse_one
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError

from jetstream_argo.dialect.literals import without_raw_bytes

_ALIAS = "ds"
_PARTS = frozenset({"from_", "expressions", "kind"})


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
