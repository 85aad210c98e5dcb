"""The functions beyond BigQuery's own that a query may call, and what DuckDB runs in their place."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from jetstream_argo.errors import ConfigError, Problem
from jetstream_argo.storage.toml_file import read_toml

_CALL = re.compile(r"\b([a-z]\w*?__\w+)\(")
_KEYS = {"name", "aliases", "parameters", "duckdb", "bigquery", "returns"}


@dataclass(frozen=True, slots=True)
class Function:
    """A function of `functions.toml` or of a user's file: its bodies in DuckDB's and in BigQuery's SQL."""

    name: str
    parameters: tuple[str, ...]
    duckdb: str
    bigquery: str
    aliases: tuple[str, ...] = ()
    returns: str = ""  # the type of what it gives, where no body in BigQuery's SQL says so

    @property
    def macro(self) -> str:
        """The macro's name in DuckDB."""
        return self.name.replace(".", "__")

    def definition(self) -> str:
        """Return the statement that makes the macro."""
        return f"CREATE OR REPLACE TEMP MACRO {self.macro}({', '.join(self.parameters)}) AS ({self.duckdb})"


class Registry:
    """All functions that queries may call by a dotted name."""

    def __init__(self, functions: Iterable[Function]) -> None:
        self.given = tuple(functions)  # the later of two of one name wins
        self._by_name: dict[str, Function] = {}
        self._by_macro: dict[str, Function] = {}
        for function in self.given:
            self._by_macro[function.macro] = function
            for name in (function.name, *function.aliases):
                self._by_name[name.lower()] = function

    def has(self, macro: str) -> bool:
        """Return whether there is a macro of that name."""
        return macro in self._by_macro

    def macro(self, name: str) -> Function | None:
        """Return the function whose macro has this name."""
        return self._by_macro.get(name)

    def add(self, function: Function) -> None:
        """Add a function that stands for BigQuery's own."""
        self._by_macro[function.macro] = function

    def find(self, dotted: str) -> Function | None:
        """Return the function called by this name, in whichever project."""
        return self._by_name.get(".".join(dotted.lower().split(".")[-2:]))

    def names(self) -> list[str]:
        """Return every name, for hints."""
        return sorted(name for name in self._by_name if not name.startswith("bq."))

    def functions(self) -> tuple[Function, ...]:
        """Return the functions that queries call, without those that stand for BigQuery's own."""
        return tuple(function for function in self._by_macro.values() if not function.name.startswith("bq."))

    def called(self, macros: Iterable[str]) -> tuple[Function, ...]:
        """Return the functions whose macros have these names and those that they call, each after those."""
        ordered: dict[str, Function] = {}
        for macro in macros:
            self._add(macro, ordered)
        return tuple(ordered.values())

    def _add(self, macro: str, ordered: dict[str, Function]) -> None:
        function = self._by_macro.get(macro)
        if function is None or macro in ordered:
            return
        for called in _CALL.findall(function.duckdb):
            self._add(called, ordered)
        ordered[macro] = function


def load_registry(own: Path | None = None) -> Registry:
    """Return the functions that come with the package and those of the user's file, which win.

    Raises:
        ConfigError: the file cannot be read, or is not of the form of `functions.toml`.
    """
    users = _functions(read_toml(own), str(own)) if own is not None else ()
    return Registry([*shipped(), *users])


@cache
def shipped() -> tuple[Function, ...]:
    """Return the functions that come with the package."""
    folder = resources.files("jetstream_argo.dialect.functions")
    files = ("dialect.toml", "json.toml", "functions.toml")
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in files}
    return tuple(found for name, text in texts.items() for found in _functions(tomllib.loads(text), name))


def _functions(document: Mapping[str, object], file: str) -> tuple[Function, ...]:
    tables = document.get("function", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ConfigError(file, [Problem("function", "is not a list of tables; write [[function]] before each")])
    return tuple(_function(table, file, position) for position, table in enumerate(tables))


def _function(table: Mapping[str, object], file: str, position: int) -> Function:
    where = f"function.{table.get('name', position)}"
    problems = [Problem(f"{where}.{key}", "is not known") for key in table if key not in _KEYS]
    problems += [Problem(where, f"has no {key}") for key in ("name", "parameters", "duckdb") if key not in table]
    parameters, aliases = table.get("parameters", []), table.get("aliases", [])
    if not isinstance(parameters, list) or not isinstance(aliases, list):
        problems.append(Problem(where, "parameters and aliases are lists of names"))
    elif "." not in str(table.get("name", ".")):
        problems.append(Problem(f"{where}.name", "must have two parts, such as map.get_key"))
    if problems or not isinstance(parameters, list) or not isinstance(aliases, list):
        raise ConfigError(file, problems)
    return Function(
        name=str(table["name"]),
        parameters=tuple(str(name) for name in parameters),
        duckdb=str(table["duckdb"]),
        bigquery=str(table.get("bigquery", "")),
        aliases=tuple(str(name) for name in aliases),
        returns=str(table.get("returns", "")),
    )
