"""Takes the names of nested types apart: BigQuery's `STRUCT<a INT64>`, and DuckDB's `STRUCT(a BIGINT)`."""

import re

from jetstream_argo.errors import InvalidQuery

_NAMED = re.compile(r"(\"(?:[^\"]|\"\")*\"|`[^`]*`|\w+)\s+(.+)\Z", re.DOTALL)


def element(bigquery: str) -> str | None:
    """Return the type of an ARRAY's elements; None for any other type.

    >>> element("ARRAY<STRUCT<a INT64>>")
    'STRUCT<a INT64>'
    """
    return _inside(bigquery, "ARRAY")


def members(bigquery: str) -> list[tuple[str, str]]:
    """Return the names and types of a STRUCT's fields; none for any other type.

    >>> members("STRUCT<a INT64, b ARRAY<STRUCT<c STRING, d DATE>>>")
    [('a', 'INT64'), ('b', 'ARRAY<STRUCT<c STRING, d DATE>>')]

    Raises:
        InvalidQuery: a field has no name.
    """
    text = _inside(bigquery, "STRUCT")
    return named(text) if text is not None else []


def named(text: str) -> list[tuple[str, str]]:
    """Return the names and types of fields that are written one after the other, with commas between them.

    Raises:
        InvalidQuery: a field has no name.
    """
    return [_field(part.strip()) for part in _split(text)]


def _inside(text: str, constructor: str) -> str | None:
    head, bracket, rest = text.partition("<")
    if bracket and head.strip().upper() == constructor and rest.rstrip().endswith(">"):
        return rest.rstrip()[:-1].strip()
    return None


def _field(part: str) -> tuple[str, str]:
    found = _NAMED.match(part)
    if found is None:
        raise InvalidQuery(f"{part!r} is a field of a STRUCT without a name; every field needs a name and a type")
    name = found[1]
    return (name[1:-1].replace('""', '"') if name[0] in '"`' else name), found[2]


def _split(text: str) -> list[str]:
    """Split at the commas that are outside of brackets and quotes."""
    parts, depth, start, quote = [], 0, 0, ""
    for position, letter in enumerate(text):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in '"`':
            quote = letter
        elif letter in "<(":
            depth += 1
        elif letter in ">)":
            depth -= 1
        elif letter == "," and not depth:
            parts.append(text[start:position])
            start = position + 1
    return [*parts, text[start:]]
