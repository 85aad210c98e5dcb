"""What the functions and operators of Argo's expressions return."""

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value] | None"


def is_truth(value: Value) -> bool:
    """Return a truth value as it is; nothing else counts as one."""
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is neither true nor false")
    return value


def as_list(value: Value) -> list[Value]:
    """Return a list as it is."""
    if not isinstance(value, list):
        raise TypeError(f"{value!r} is no list")
    return value


def shown(value: Value) -> str:
    """Return a value as Argo writes it into a manifest: numbers without a fraction have no decimals."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else json.dumps(value)


def _text(value: Value) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _number(value: Value) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r} is no number")
    return value


def _plus(left: Value, right: Value) -> Value:
    if isinstance(left, str) or isinstance(right, str):
        return _text(left) + _text(right)
    return _number(left) + _number(right)


def _contains(left: Value, right: Value) -> bool:
    return left in (right if isinstance(right, dict) else as_list(right))


def _split(text: Value, separator: Value) -> Value:
    return [*_text(text).split(_text(separator))]


def _as_int(value: Value) -> int:
    return int(shown(value))


def _unique(values: Value) -> Value:
    found: list[Value] = []
    for value in as_list(values):
        if value not in found:
            found.append(value)
    return found


def _from_json(text: Value) -> Value:
    value: Value = json.loads(_text(text))
    return value


FUNCTIONS: Mapping[str, Callable[..., Value]] = {
    "asInt": _as_int,
    "fromJSON": _from_json,
    "join": lambda values, separator: _text(separator).join(_text(value) for value in as_list(values)),
    "max": lambda *values: max(_number(value) for value in values),
    "min": lambda *values: min(_number(value) for value in values),
    "split": _split,
    "trim": lambda text: _text(text).strip(),
    "uniq": _unique,
}

OPERATORS: Mapping[str, Callable[[Value, Value], Value]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: _number(left) < _number(right),
    ">": lambda left, right: _number(left) > _number(right),
    "<=": lambda left, right: _number(left) <= _number(right),
    ">=": lambda left, right: _number(left) >= _number(right),
    "in": _contains,
    "matches": lambda left, right: re.search(_text(right), _text(left)) is not None,
    "+": _plus,
    "-": lambda left, right: _number(left) - _number(right),
    "*": lambda left, right: _number(left) * _number(right),
    "/": lambda left, right: _number(left) / _number(right),
    "%": lambda left, right: _number(left) % _number(right),
    "**": lambda left, right: float(_number(left)) ** _number(right),
}
