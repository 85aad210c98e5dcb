"""How a configuration is written down as TOML, which the standard library only reads."""

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


def value(held: object) -> str:
    """Return a value; a text of several lines in three quotes.

    Raises:
        PlanError: TOML has no such value.
    """
    match held:
        case bool():
            return "true" if held else "false"
        case int() | float():
            return repr(held)
        case str():
            return _text(held)
        case date():
            return _basic(held.isoformat())
        case Mapping():
            return "{ " + ", ".join(f"{key(str(name))} = {value(inner)}" for name, inner in held.items()) + " }"
        case Sequence():
            return _list([value(inner) for inner in held])
        case _:
            raise PlanError(f"a configuration cannot hold {held!r}: TOML has no such value")


def _lines(table: Mapping[str, object], path: tuple[str, ...]) -> Iterator[str]:
    inner = {name: held for name, held in table.items() if isinstance(held, Mapping)}
    own = {name: held for name, held in table.items() if name not in inner}
    if path and (own or not inner):
        yield f"[{'.'.join(map(key, path))}]"
    for name, held in own.items():
        yield f"{key(name)} = {value(held)}"
    if own or (path and not inner):
        yield ""
    for name, held in inner.items():
        yield from _lines(held, (*path, name))


def _list(values: Sequence[str]) -> str:
    line = f"[{', '.join(values)}]"
    return line if len(line) <= _WIDTH else "[\n" + "".join(f"  {each},\n" for each in values) + "]"


def _text(text: str) -> str:
    if "\n" in text and "'''" not in text and not _CONTROL.search(text) and not text.endswith("'"):
        return f"'''\n{text}'''"
    return _basic(text)


def _basic(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
