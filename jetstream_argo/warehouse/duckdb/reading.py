"""Parses a query's text into a tree in which every function stands as it was written.

sqlglot knows hundreds of functions and writes them in one form, in which what differs between dialects may be lost: a
time zone, a fourth argument, an element of a format. Here a function keeps its name and all of its arguments.
"""

from dataclasses import dataclass
from functools import cached_property

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.bigquery import BigQueryParser
from sqlglot.tokenizer_core import Token, TokenType

from jetstream_argo.dialect.literals import without_raw_bytes
from jetstream_argo.dialect.syntax import TOO_DEEP, explained, single_query
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.warehouse.duckdb.pieces import parse

_MARK = "§"
# What has a syntax of its own; `* REPLACE (…)` is no function at all.
_OWN_SYNTAX = {"CAST", "SAFE_CAST", "EXTRACT", "ARRAY", "STRUCT", "UNNEST", "EXISTS", "IF", "INTERVAL"}
_KEYWORDS = {"AND", "OR", "XOR", "NOT", "IN", "ANY", "ALL", "LIKE", "CASE", "FILTER", "OVER", "VALUES", "DISTINCT",
             "MAP", "LIST", "TABLE", "USING", "ON"}  # fmt: skip
_FUNCTIONS = {*BigQueryParser.FUNCTIONS, *BigQueryParser.FUNCTION_PARSERS} - _OWN_SYNTAX - _KEYWORDS
_BEFORE_STAR_REPLACE = {TokenType.STAR, TokenType.R_PAREN}


@dataclass(frozen=True)
class ParsedQuery:
    """A query's tree, and where in its text things are."""

    sql: str
    tree: exp.Query
    tokens: tuple[Token, ...]

    def name(self, call: exp.Anonymous) -> str:
        """Return the name of a function as it was written."""
        return call.name.rpartition(_MARK)[2]

    def place(self, node: exp.Expr) -> str:
        """Return ` (line n: …)` for the line on which a function or name stands, or nothing where that is not known."""
        line = self._line(node)
        return f" (line {line}: {self._lines[line - 1].strip()[:100]})" if 0 < line <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return self.sql.splitlines()

    def _line(self, node: exp.Expr) -> int:
        for part in node.walk():
            if isinstance(part, exp.Anonymous) and part.name.startswith(_MARK):
                return int(self.tokens[int(part.name.split(_MARK)[1])].line)
            line = part.meta.get("line") if isinstance(part, exp.Identifier | exp.Star) else None
            if line is not None:
                return int(line)
        return 0


def is_call(node: exp.Expr, name: str) -> bool:
    """Return whether a node of a tree that was read here is a call of that function of BigQuery's."""
    return isinstance(node, exp.Anonymous) and node.name.rpartition(_MARK)[2].upper() == name


def read_query(sql: str) -> ParsedQuery:
    """Return one query, read.

    Raises:
        InvalidQuery: the text does not parse; the message has line, column and the line itself.
        Unsupported: it is a statement other than a query.
    """
    bigquery = Dialect.get_or_raise("bigquery")
    text = without_raw_bytes(sql)
    try:
        tokens = bigquery.tokenize(text)
        _mark(tokens)
        statements = parse(bigquery, tokens, text)
    except ParseError as error:
        raise InvalidQuery(explained(error, sql).replace(_MARK, "")) from error
    except TokenError as error:
        raise InvalidQuery(f"query is not SQL: {error}") from error
    except RecursionError as error:
        raise InvalidQuery(TOO_DEEP) from error
    return ParsedQuery(sql, single_query(statements), tuple(tokens))


def _mark(tokens: list[Token]) -> None:
    """Give every function a name that sqlglot does not know, with the number of its token."""
    for number, token in enumerate(tokens):
        if token.token_type is TokenType.NOT and token.text == "!":
            raise Unsupported(f"`!` is no operator of BigQuery; write NOT (line {token.line})")
        if token.token_type is TokenType.MOD:
            raise Unsupported(f"`%` is no operator of BigQuery; write MOD (line {token.line})")
        followed = number + 1 < len(tokens) and tokens[number + 1].token_type is TokenType.L_PAREN
        if not followed or token.text.upper() not in _FUNCTIONS or token.token_type is TokenType.IDENTIFIER:
            continue
        before = tokens[number - 1] if number else None
        if before is not None and before.token_type is TokenType.DOT and tokens[number - 2].text.upper() != "SAFE":
            continue
        if token.token_type is TokenType.REPLACE and before is not None and before.token_type in _BEFORE_STAR_REPLACE:
            continue
        token.token_type = TokenType.VAR
        token.text = f"{_MARK}{number}{_MARK}{token.text}"
