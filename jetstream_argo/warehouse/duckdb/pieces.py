"""Parses a query in pieces: queries in brackets in its FROM, and arrays that are written out in UNNEST, by themselves.

sqlglot looks for names in what stands in FROM by copying it whole, several times at every level of a query: more than
half of the time that it needs. In place of a piece it copies one name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import ParseError
from sqlglot.tokenizer_core import Token, TokenType

_BEFORE_QUERY = {TokenType.FROM, TokenType.JOIN}
_QUERY = {TokenType.SELECT, TokenType.WITH}
_PLACE = "§piece§"


def parse(dialect: Dialect, tokens: list[Token], text: str) -> list[exp.Expr | None]:
    """Return the statements of a text as the dialect's parser gives them.

    Raises:
        ParseError: the text does not parse; the error is that of the text as a whole.
    """
    try:
        return _Pieces(dialect, text).parsed(tokens)
    except (ParseError, _NoPieceError):
        return dialect.parser().parse(tokens, text)


class _NoPieceError(Exception):
    """What stands in brackets is not what it seemed to be."""


@dataclass(slots=True)
class _Piece:
    """The tokens of a piece so far, what was cut out of them, and how many brackets are open."""

    is_array: bool = False
    tokens: list[Token] = field(default_factory=list)
    cut: list[exp.Expr] = field(default_factory=list)
    brackets: int = 0


class _Pieces:
    """Parses the pieces of one text, inner ones first."""

    def __init__(self, dialect: Dialect, text: str) -> None:
        self._dialect = dialect
        self._text = text

    def parsed(self, tokens: Sequence[Token]) -> list[exp.Expr | None]:
        """Return the statements."""
        piece = _Piece()
        around: list[_Piece] = []
        for number, token in enumerate(tokens):
            kind = token.token_type
            if kind is TokenType.PIPE_GT:
                raise _NoPieceError  # the parser makes queries of it, which it numbers in all of the text
            if kind is TokenType.R_PAREN:
                if around and not piece.brackets:
                    parsed, is_array, piece = self._parsed(piece), piece.is_array, around.pop()
                    piece.tokens += _stub(token, len(piece.cut), is_array=is_array)
                    piece.cut.append(parsed)
                piece.brackets -= 1
            piece.tokens.append(token)
            if kind is TokenType.L_PAREN:
                piece.brackets += 1
                opened = _opened(tokens, number)
                if opened is not None:
                    around.append(piece)
                    piece = opened
        if around:
            raise _NoPieceError
        return self._statements(piece)

    def _parsed(self, piece: _Piece) -> exp.Expr:
        """Return a query, or the UNNEST of an array."""
        if piece.is_array and piece.cut:
            raise _NoPieceError  # the parser asks for the types of an array's elements
        if piece.is_array:
            piece.tokens = [*self._dialect.tokenize("SELECT 0 IN UNNEST("), *piece.tokens, *self._dialect.tokenize(")")]
        statements = self._statements(piece)
        if len(statements) != 1 or not isinstance(statements[0], exp.Query):
            raise _NoPieceError
        query = statements[0]
        return query.expressions[0].args["unnest"] if piece.is_array else query

    def _statements(self, piece: _Piece) -> list[exp.Expr | None]:
        statements = self._dialect.parser().parse(piece.tokens, self._text)
        places = {f"{_PLACE}{number}": part for number, part in enumerate(piece.cut)}
        for statement in statements if places else ():
            for node in list(statement.find_all(exp.Subquery, exp.Unnest)) if statement is not None else ():
                inner = node if isinstance(node, exp.Unnest) else node.this
                part = places.pop(inner.expressions[0].name, None) if len(inner.expressions) == 1 else None
                if part is not None:
                    _put(part, node)
        if places:
            raise _NoPieceError
        return statements


def _opened(tokens: Sequence[Token], number: int) -> _Piece | None:
    """Return a new piece if it begins with what stands in the bracket that is opened there."""
    if not 0 < number < len(tokens) - 1:
        return None
    before, after = tokens[number - 1].token_type, tokens[number + 1].token_type
    if before in _BEFORE_QUERY and after in _QUERY:
        return _Piece()
    if before is TokenType.UNNEST and after is TokenType.L_BRACKET:
        return _Piece(is_array=True)
    return None


def _stub(closing: Token, number: int, *, is_array: bool) -> list[Token]:
    position = (closing.line, closing.col, closing.start, closing.end)
    name = Token(TokenType.VAR, f"{_PLACE}{number}", *position)
    return [name] if is_array else [Token(TokenType.SELECT, "SELECT", *position), name]


def _put(part: exp.Expr, node: exp.Expr) -> None:
    """Put a piece into the node where a name stands for it, with the comments before it."""
    if isinstance(part, exp.Unnest):
        node.set("expressions", part.expressions)
        node.set("explode_array", part.args.get("explode_array"))
    else:
        part.add_comments(node.this.comments, prepend=True)
        node.set("this", part)
