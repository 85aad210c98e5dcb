"""Writes a configuration as TOML, which the standard library only reads."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from jetstream_argo.errors import PlanError

_BARE = re.compile(r"[A-Za-z0-9_-]+\Z")
_WIDTH = 100
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


def toml_text(document: Mapping[str, object]) -> str:
    """Return a document as TOML: a table's own values first, then the tables within it.

    >>> print(toml_text({"experiment": {"slug": "a", "branches": ["x", "y"]}, "metrics": {"n": {"statistics": {}}}}))
    [experiment]
    slug = "a"
    branches = ["x", "y"]
    <BLANKLINE>
    [metrics.n.statistics]
    <BLANKLINE>

    Raises:
        PlanError: it holds what TOML cannot say.
    """
    return "\n".join(_lines(document, ())).strip("\n") + "\n"


def key(name: str) -> str:
    """Return a key, in quotes unless it is plain."""
    return name if _BARE.match(name) else _basic(name)


def value(python_value: object) -> str:
    """Return a value; a text of several lines in three quotes.

    Raises:
        PlanError: TOML has no such value.
    """
    match python_value:
        case bool():
            return "true" if python_value else "false"
        case int() | float():
            return repr(python_value)
        case str():
            return _text(python_value)
        case date():
            return _basic(python_value.isoformat())
        case Mapping():
            return "{ " + ", ".join(f"{key(str(name))} = {value(inner)}" for name, inner in python_value.items()) + " }"
        case Sequence():
            return _list([value(inner) for inner in python_value])
        case _:
            raise PlanError(f"a configuration cannot hold {python_value!r}: TOML has no such value")


def _lines(table: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    inner = {name: entry for name, entry in table.items() if isinstance(entry, Mapping)}
    own = {name: entry for name, entry in table.items() if name not in inner}
    if path and (own or not inner):
        yield f"[{'.'.join(map(key, path))}]"
    for name, entry in own.items():
        yield f"{key(name)} = {value(entry)}"
    if own or (path and not inner):
        yield ""
    for name, entry in inner.items():
        yield from _lines(entry, (*path, name))


def _list(values: Sequence[str]) -> str:
    line = f"[{', '.join(values)}]"
    return line if len(line) <= _WIDTH else "[\n" + "".join(f"  {item},\n" for item in values) + "]"


def _text(text: str) -> str:
    if "\n" in text and "'''" not in text and not _CONTROL.search(text) and not text.endswith("'"):
        return f"'''\n{text}'''"
    return _basic(text)


def _basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
