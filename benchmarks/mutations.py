"""Files that are a little wrong: real ones with bytes or values changed."""

import copy
import json
import random
import tomllib
from datetime import date, datetime, time
from typing import TypeAlias

Tree: TypeAlias = "str | int | float | bool | list[Tree] | dict[str, Tree] | None"

_BYTES = (
    *(b"\x00", b"\xff", b"\x1b[31m", b"\xed\xa0\x80", b"[" * 2000, b"{" * 2000, b"(" * 3000, b'"""', b"'", b"\\"),
    *(b"= ", b"\n", b"9" * 5000, b"{{", b"}}", b"{% for i in range(99999) %}", b"{% endfor %}", b"9999-12-31"),
    *(b"0001-01-01", b"-", b"1e999", b"\xe2\x80\xae", b"#", b"a." * 300),
)
_TEXTS = (
    *("", " ", "x" * 10_000, "a`b", "a\x1b[31mb", "\u202e", "../../x", "-x", ".", "..", "🦊", "null", "1e3", "it's"),
    *("a\\", "a\nb", "9999-12-31", "0001-01-01", "2026-02-31", "identity", "all", "branch", "Revenue", "(" * 3000),
    *("(" * 150 + ")" * 150, "SUM(x" + "+1" * 4000 + ")", "NOT " * 3000 + "x", "CASE WHEN " * 2000),
    *("x" + "[0]" * 60_000, "SUM(", "SELECT 1; SELECT 2", "SUM(x) -- ", "'", "/*", "{{", "{%", "{dataset}", "{x}", "{"),
    *("{{ 'a' * 3000000000 }}", "{{ experiment.start_date.replace(year=99999) }}", "{{ " + "(" * 3000 + " }}"),
    "{{ experiment.__class__ }}",
    "{% for i in range(99999) %}{% for j in range(99999) %}x{% endfor %}{% endfor %}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
)
_VALUES: tuple[Tree, ...] = (
    *_TEXTS,
    *(0, -1, 1, 2**31, 2**63 - 1, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf"), True, False),
    *([], {}, [[]], [1, "a", {}], ["a", "a"], {"a": {"a": {"a": {}}}}),
)


def bytes_changed(data: bytes, rng: random.Random) -> bytes:
    """Return `data` with one to four places changed: bytes flipped, cut out, doubled or put in."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 1, 3, 20, 300)))
        match rng.randrange(5):
            case 0 if at < len(data):
                data = data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + data[at:end] * rng.choice((2, 2, 50)) + data[end:]
            case 3:
                data = data[:at] + rng.choice(_BYTES) + data[at:]
            case _:
                data = data[:at] + rng.randbytes(end - at) + data[end:]
    return data


def tree_changed(tree: Tree, rng: random.Random) -> Tree:
    """Return a copy of `tree` with one to three values replaced, left out, renamed, wrapped or moved."""
    changed = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        places = list(_places(changed))
        if not places:
            return changed
        holder, key = rng.choice(places)
        match rng.randrange(6):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[rng.choice((str(key)[:-1], f"{key}x", f"{key}-", str(key).upper(), "", "🦊", "a" * 300))] = (
                    holder.pop(key)
                )
            case 2:
                holder[key] = [holder[key]]
            case 3:
                other, place = rng.choice(places)
                holder[key] = copy.deepcopy(other[place]) if _has(other, place) else holder[key]
            case _:
                holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return changed


def _has(holder: "dict[str, Tree] | list[Tree]", key: "str | int") -> bool:
    return key in holder if isinstance(holder, dict) else isinstance(key, int) and key < len(holder)


def _places(tree: Tree) -> "list[tuple[dict[str, Tree] | list[Tree], str | int]]":
    found, waiting = [], [tree]
    while waiting:
        parent = waiting.pop()
        keys = list(parent) if isinstance(parent, dict) else range(len(parent)) if isinstance(parent, list) else ()
        found += [(parent, key) for key in keys]
        waiting += [parent[key] for key in keys]
    return found


def as_toml(tree: Tree) -> bytes:
    """Return a tree as TOML, as far as TOML can say it: every table is written in line, below the first."""
    lines = [f"{_key(key)} = {_toml(value)}" for key, value in tree.items()] if isinstance(tree, dict) else []
    return "\n".join([*lines, ""]).encode(errors="replace")


def _key(key: str) -> str:
    return json.dumps(key).replace("\x7f", "\\u007f")


def _toml(value: Tree) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float() | int():
            return str(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case date() | datetime() | time():
            return str(value)
        case list():
            return f"[{', '.join(map(_toml, value))}]"
        case dict():
            return "{" + ", ".join(f"{_key(key)} = {_toml(entry)}" for key, entry in value.items()) + "}"
        case _:
            return '""'


def mutated(data: bytes, kind: str, rng: random.Random) -> bytes:
    """Return a file's bytes changed, at the level of bytes or of what they say; `kind` is toml or json."""
    if rng.random() < 1 / 2:
        return bytes_changed(data, rng)
    if kind == "json":
        return json.dumps(tree_changed(json.loads(data), rng)).encode(errors="surrogatepass")
    return as_toml(tree_changed(tomllib.loads(data.decode()), rng))
