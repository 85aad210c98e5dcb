"""Reads the arguments of a statistic or a pre-treatment from a configuration, and refuses wrong ones."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, field, fields
from typing import TypeVar

from jetstream_argo.errors import ConfigError, Problem, nearest

P = TypeVar("P")
T = TypeVar("T")
D = TypeVar("D")
Word = TypeVar("Word", bound=str | float)


def argument(check: Callable[[object], T], *, default: D) -> T | D:
    """Return a dataclass field for an argument that may be left out; `check` raises ValueError for what it cannot be.

    An argument that must be given is `field(metadata={"check": check})`.
    """
    return field(default=default, metadata={"check": check})


def read(kind: type[P], arguments: Mapping[str, object], *, file: str, where: str) -> P:
    """Return a `kind` from the arguments that a configuration gives.

    Raises:
        ConfigError: unknown arguments, missing ones, and values out of range; all of them at once.
    """
    known = {spec.name: spec for spec in fields(kind)}  # type: ignore[arg-type]  # every kind here is a dataclass
    problems: list[Problem] = []
    values: dict[str, object] = {}
    for name, value in arguments.items():
        place = f"{where}.{name}" if where else name
        if name not in known:
            problems.append(Problem(place, f"is not a parameter{nearest(name, known) or _listed(known)}"))
            continue
        try:
            values[name] = known[name].metadata["check"](value)
        except ValueError as error:
            problems.append(Problem(place, str(error)))
    for name, spec in known.items():
        if spec.default is MISSING and name not in arguments:
            problems.append(Problem(f"{where}.{name}" if where else name, "is required"))
    if problems:
        raise ConfigError(file, problems)
    return kind(**values)


def _listed(known: Mapping[str, object]) -> str:
    return f"; there are {', '.join(known)}" if known else "; there are none"


def number(low: float, high: float, *, inclusive: bool = True) -> Callable[[object], float]:
    """Return a check for a number in a range, ends included or not; truth values are no numbers."""

    def check(value: object) -> float:
        within = isinstance(value, int | float) and not isinstance(value, bool)
        if within and (low <= value <= high if inclusive else low < value < high):  # type: ignore[operator]  # a number
            return float(value)  # type: ignore[arg-type]  # a number
        wanted = f"from {low:g} to {high:g}" if inclusive else f"between {low:g} and {high:g}"
        raise ValueError(f"must be a number {wanted}, is {value!r}")

    return check


def whole(low: int, high: int) -> Callable[[object], int]:
    """Return a check for a whole number in a range, ends included."""

    def check(value: object) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        raise ValueError(f"must be a whole number from {low} to {high}, is {value!r}")

    return check


def flag(value: object) -> bool:
    """Return the value, which must be true or false."""
    if isinstance(value, bool):
        return value
    raise ValueError(f"must be true or false, is {value!r}")


def name(value: object) -> str:
    """Return the value, which must be a name."""
    if isinstance(value, str) and value:
        return value
    raise ValueError(f"must be the name of a metric, is {value!r}")


def only(*allowed: Word) -> Callable[[object], Word]:
    """Return a check for one of a few values."""

    def check(value: object) -> Word:
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value in allowed:
            return value  # type: ignore[return-value]  # it is equal to an allowed one
        hint = nearest(value, [word for word in allowed if isinstance(word, str)]) if isinstance(value, str) else ""
        raise ValueError(f"must be {' or '.join(map(repr, allowed))}, is {value!r}{hint}")

    return check
