"""Infers types of values from the constants that they meet in a query."""

import re

from sqlglot import exp

from jetstream_argo.dialect.inference.types import NUMBER, WEAK, Shape
from jetstream_argo.dialect.types import Scalar

_DATE_TEXT = re.compile(r"\d{4}-\d\d-\d\d\Z")
_PLAIN_PATTERN = re.compile(r"\^?\(?([\w .:/@-]+)")


def constant(node: exp.Expr) -> Scalar:
    """Return the value of a literal, or None for anything that is not one."""
    match node:
        case exp.Literal(is_string=True) | exp.RawString():
            return str(node.this)
        case exp.Literal():
            return float(node.this) if any(mark in node.this for mark in ".eE") else int(node.this)
        case exp.Boolean():
            return bool(node.this)
        case exp.Neg(this=exp.Literal() as inner):
            number = constant(inner)
            return -number if isinstance(number, int | float) else None
        case exp.Paren():
            return constant(node.this)
        case _:
            return None


def literal_shape(node: exp.Literal) -> Shape:
    """Return the shape of a literal, which says little about what it is compared with."""
    if node.is_string:
        return Shape("STRING", WEAK)
    return Shape("FLOAT64", WEAK) if any(mark in node.this for mark in ".eE") else Shape(NUMBER, WEAK)


def note(shape: Shape, value: Scalar) -> None:
    """Record that the SQL compares a value with a constant."""
    match value:
        case bool():
            shape.vote("BOOL")
        case str() if _DATE_TEXT.match(value):
            shape.vote("DATE", WEAK)  # BigQuery reads such a text as a date where it is compared with one
        case str():
            shape.vote("STRING")
        case int():
            shape.vote(NUMBER)
        case float():
            shape.vote(NUMBER).vote("FLOAT64", WEAK)
    shape.seen_with(value)


def matching(node: exp.Expr, pattern: str) -> str:
    """Return a text that a LIKE, prefix or (where it is simple) regular expression accepts."""
    match node:
        case exp.Like():
            return re.sub(r"\\(.)|%|_", lambda part: part[1] or ("x" if part[0] == "_" else ""), pattern)
        case exp.RegexpLike():
            found = _PLAIN_PATTERN.match(pattern)
            return found[1].rstrip(".") if found else ""
        case _:
            return pattern
