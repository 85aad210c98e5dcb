"""Refuses SQL that is too deep to be parsed: brackets in brackets, or one operator after the other."""

import re
from dataclasses import dataclass

LONGEST = 200_000  # characters
DEEPEST = 100  # brackets or CASEs in one another; parsers of SQL call themselves for each
LONGEST_CHAIN = 400  # operators in a row

_TOKEN = re.compile(
    r"""
    (?P<skipped> --[^\n]* | \#[^\n]* | /\*.*?(?:\*/|\Z)
      | [rRbB]{0,2}(?P<triple>'''|\"\"\")(?:\\.|.)*?(?:(?P=triple)|\Z)
      | [rRbB]{0,2}'(?:\\.|[^'\\\n])*(?:'|$|\Z) | [rRbB]{0,2}"(?:\\.|[^"\\\n])*(?:"|$|\Z) | `[^`]*(?:`|\Z) )
    | (?P<bracket> [(\[{] ) | (?P<case> \bCASE\b ) | (?P<type> \b(?:ARRAY|STRUCT|RANGE)\s*< )
    | (?P<closing> [)\]}] | \bEND\b | > )
    | (?P<operator> \|\| | [-+*/%&|^~=<.!] | \b(?:AND|OR|NOT|UNION|INTERSECT|EXCEPT|JOIN|IS|LIKE|BETWEEN)\b )
    | (?P<separator> [,;] )
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE | re.MULTILINE,
)
_OPENED_BY = {")": "bracket", "]": "bracket", "}": "bracket", "END": "case", ">": "type"}


@dataclass(slots=True)
class _Level:
    """What was opened, and how many operators stand in a row in it."""

    opened_by: str = ""
    chain: int = 0


def wrong_with_depth(sql: str) -> str | None:
    """Return what is wrong with the size or depth of an expression or query, or None.

    >>> wrong_with_depth("COALESCE(SUM(x), 0)")
    >>> wrong_with_depth("(" * 3000)
    'has more than 100 brackets or CASEs in one another; write it flatter, or move a part of it to a view'
    """
    if len(sql) > LONGEST:
        return f"has {len(sql)} characters, {LONGEST} are allowed"
    levels = [_Level()]
    for token in _TOKEN.finditer(sql):
        match token.lastgroup:
            case "bracket" | "case" | "type" as kind:
                if token[0] == "[":
                    levels[-1].chain += 1  # x[0][0] is deep without being in one another
                levels.append(_Level(kind))
            case "closing" if levels[-1].opened_by == _OPENED_BY[token[0].upper()]:
                levels.pop()
            case "operator" | "closing":
                levels[-1].chain += 1
            case "separator":
                levels[-1].chain = 0
        if len(levels) > DEEPEST:
            return (
                f"has more than {DEEPEST} brackets or CASEs in one another; write it flatter, or move a part of it "
                "to a view"
            )
        if levels[-1].chain > LONGEST_CHAIN:
            return f"has more than {LONGEST_CHAIN} operators in a row; write it shorter, with IN or a function"
    return None
