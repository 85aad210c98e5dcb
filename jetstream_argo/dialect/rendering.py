"""Writes a syntax tree as BigQuery's SQL again."""

from functools import lru_cache

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.trie import new_trie

_COMPOSED = {"%F", "%T", "%D", "%c", "%x", "%H:%M:%E6S"}


def bigquery_text(node: exp.Expr) -> str:
    """Return the SQL of a tree. Formats of dates and times keep the elements that they were written with.

    >>> from sqlglot import parse_one
    >>> bigquery_text(parse_one("PARSE_DATE('%Y-%m-%d', s)", read="bigquery"))
    "PARSE_DATE('%Y-%m-%d', s)"
    """
    return node.sql(_bigquery())


@lru_cache(maxsize=1)
def _bigquery() -> Dialect:
    """Return BigQuery's dialect without the short forms that sqlglot likes to write, such as %F for %Y-%m-%d."""
    dialect = Dialect.get_or_raise("bigquery")
    kept = {element: name for element, name in dialect.INVERSE_TIME_MAPPING.items() if name not in _COMPOSED}
    dialect.INVERSE_TIME_MAPPING = kept  # of this instance alone
    dialect.INVERSE_TIME_TRIE = new_trie(kept)  # of this instance alone
    return dialect
