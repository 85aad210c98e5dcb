"""What ZetaSQL answered: kept as data, so that it need not be asked each time.

A file has a line for every question, in the order of the list; its first line says which ZetaSQL it was.
"""

import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Context, Decimal
from functools import cache
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent / "answers"
FAILED = "!"  # instead of a value, where there was an error
_RELATIVE = 1e-12
_EXACT = Context(prec=60)


def encoded(value: object) -> object:
    """Return a value as JSON, of which the type can be seen."""
    match value:
        case None | bool() | str():
            return value if value != FAILED else "\\!"
        case int():
            return {"i": str(value)}
        case float():
            return {"f": repr(value)}
        case Decimal():
            return {"n": f"{value.normalize(_EXACT):f}"}
        case datetime() | time():
            return {"t": value.isoformat()}
        case date():
            return {"d": value.isoformat()}
        case bytes():
            return {"b": value.hex()}
        case list():
            return [encoded(item) for item in value]
        case dict():
            return {"s": [[name, encoded(item)] for name, item in value.items()]}
    raise TypeError(f"{value!r} is no answer")


def alike(first: object, other: object) -> bool:
    """Return whether two encoded values are the same; floats but for rounding."""
    match first, other:
        case {"f": str() as left}, {"f": str() as right}:
            a, b = float(left), float(right)
            return a == b or (math.isnan(a) and math.isnan(b)) or math.isclose(a, b, rel_tol=_RELATIVE)
        case list(), list():
            return len(first) == len(other) and all(map(alike, first, other))
        case _:
            return first == other


def zetasql() -> str:
    """Return the version of ZetaSQL that is installed."""
    return f"zetasql {version('zetasql')}"


@cache
def read() -> Mapping[str, list[object]]:
    """Return the answers by their questions' keys: for each row (or group) a value."""
    found: dict[str, list[object]] = {}
    for file in sorted(FOLDER.glob("*.jsonl")):
        head, *lines = file.read_text(encoding="utf-8").splitlines()
        if json.loads(head) != zetasql():
            raise ValueError(f"{file.name} was made with {head}, and {zetasql()} is installed; run `make signatures`")
        found |= dict(map(json.loads, lines))
    return found


def write(file: str, answers: Mapping[str, list[object]]) -> None:
    """Write one file of answers."""
    FOLDER.mkdir(exist_ok=True)
    lines = [json.dumps(zetasql()), *(json.dumps(item, ensure_ascii=False) for item in answers.items())]
    (FOLDER / f"{file}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
