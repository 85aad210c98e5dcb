"""What a TOML file holds, or where it stops being TOML."""

import tomllib
from pathlib import Path
from typing import TypeAlias

from jetstream_argo.errors import ConfigError, Problem

Value: TypeAlias = "str | int | float | bool | list[Value] | dict[str, Value]"
Table: TypeAlias = dict[str, Value]


def read_toml(path: Path) -> Table:
    """Return the tables of the file.

    Raises:
        ConfigError: there is no such file, or it is not TOML; the message holds line and column.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(str(path), [Problem("", f"cannot be read: {error.strerror or error}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            str(path), [Problem("", f"is not UTF-8 text: {error.reason} at byte {error.start}")]
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(str(path), [Problem("", f"is not valid TOML: {error}")]) from error
