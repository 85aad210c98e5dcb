"""Writes configurations as TOML."""

from collections.abc import Mapping
from datetime import date

import tomlkit
from tomlkit.exceptions import TOMLKitError

from jetstream_argo.errors import PlanError


def toml_text(document: Mapping[str, object]) -> str:
    """Return a document as TOML: a text of several lines in three quotes, a date as the text that we read.

    >>> print(toml_text({"experiment": {"slug": "a", "start_date": date(2026, 5, 4)}, "metrics": {"n": {}}}))
    [experiment]
    slug = "a"
    start_date = "2026-05-04"
    <BLANKLINE>
    [metrics.n]
    <BLANKLINE>

    Raises:
        PlanError: it holds what TOML cannot say.
    """
    try:
        return tomlkit.dumps({name: _plain(entry) for name, entry in document.items()})
    except TOMLKitError as error:
        raise PlanError(f"a configuration cannot hold what TOML has no value for: {error}") from error


def value(python_value: object) -> str:
    """Return one value as it stands behind the `=` of a key.

    Raises:
        PlanError: TOML has no such value.
    """
    try:
        return tomlkit.item(_plain(python_value)).as_string()
    except TOMLKitError as error:
        raise PlanError(f"a configuration cannot hold {python_value!r}: TOML has no such value") from error


def _plain(entry: object) -> object:
    match entry:
        case date():
            return entry.isoformat()
        case Mapping():
            return {str(name): _plain(inner) for name, inner in entry.items()}
        case list() | tuple():
            return [_plain(inner) for inner in entry]
        case str() if "\n" in entry:
            return tomlkit.string(entry, multiline=True)
        case _:
            return entry
