"""Literals that the parser does not know."""

import re

_QUOTED = "|".join(
    (
        r"'''(?:\\.|(?!''').)*'''",
        r'"""(?:\\.|(?!""").)*"""',
        r"'(?:\\.|[^'\\\n])*'",
        r'"(?:\\.|[^"\\\n])*"',
        r"`[^`\n]*`",
    )
)
_COMMENT = r"--[^\n]*|\#[^\n]*|/\*.*?\*/"
# Other words before a quote are skipped whole, so that one that only ends in these letters is not taken for them.
_TOKEN = re.compile(rf"{_COMMENT}|(?P<word>\w*)(?P<quoted>{_QUOTED})|\w+", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_MAY_BE_RAW_BYTES = re.compile(r"(?:[rR][bB]|[bB][rR])['\"]")  # almost no query has them
_RAW_BYTES = frozenset({"rb", "br"})


def without_raw_bytes(sql: str) -> str:
    r"""Return the query with literals of raw bytes written as plain ones, which are longer, on the same lines.

    >>> print(without_raw_bytes(r"SELECT rb'\d\'', r'\d', 'rb'"))
    SELECT b'\\d\\\'', r'\d', 'rb'
    """
    return _TOKEN.sub(_plain, sql) if _MAY_BE_RAW_BYTES.search(sql) else sql


def _plain(token: re.Match[str]) -> str:
    if (token["word"] or "").lower() not in _RAW_BYTES or token["quoted"].startswith("`"):
        return token[0]
    return "b" + _ESCAPE.sub(_escaped, token["quoted"])


def _escaped(escape: re.Match[str]) -> str:
    """Write a backslash of a raw literal, and what follows it, as a plain literal has them."""
    return r"\\" + (rf"\{escape[1]}" if escape[1] in "'\"\\" else escape[1])
