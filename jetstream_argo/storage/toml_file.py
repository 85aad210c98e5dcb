"""Reads a TOML file, or says where it stops being TOML."""

import tomllib
from pathlib import Path
from typing import TypeAlias

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.files import read_text

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value]"
Table: TypeAlias = dict[str, Value]

_LARGEST = 4 * 1024 * 1024  # bytes
_DEEPEST = 32  # tables and lists in one another
_LARGEST_NUMBER = 2**63


def read_toml(path: Path) -> Table:
    """Return the tables of the file.

    Raises:
        ConfigError: there is no such file, or it is not TOML that can be used; the message holds line and column, or
            the key.
    """
    return parse_toml(read_text(path, largest=_LARGEST), str(path))


def parse_toml(text: str, file: str) -> Table:
    """Return the tables of a file's text.

    Raises:
        ConfigError: it is not TOML that can be used; the message holds line and column, or the key.
    """
    try:
        document: Table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file, [Problem("", f"is not valid TOML: {error}")]) from error
    except ValueError as error:  # a number of thousands of digits, a date that no calendar has
        raise ConfigError(file, [Problem("", f"holds a value that cannot be read: {error}")]) from error
    except RecursionError as error:
        raise ConfigError(file, [Problem("", "has brackets in brackets, too deep to read")]) from error
    _check(document, file)
    return document


def _check(document: Table, file: str) -> None:
    """Refuse what is deeper, or larger a number, than anything here is made for."""
    waiting: list[tuple[tuple[str, ...], Value]] = [((), document)]
    while waiting:
        key, value = waiting.pop()
        if len(key) > _DEEPEST:
            what = f"is deeper than {_DEEPEST} tables or lists in one another"
            raise ConfigError(file, [Problem(".".join(key[:3]) + "…", what)])
        if isinstance(value, int) and abs(value) >= _LARGEST_NUMBER:
            raise ConfigError(file, [Problem(".".join(key), "is a number of more than 64 bits")])
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        waiting += [((*key, str(name)), entry) for name, entry in entries]
