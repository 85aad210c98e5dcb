"""Translations that were made in this process, for all engines that translate alike."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from threading import Lock

from jetstream_argo.dialect.functions.registry import Function
from jetstream_argo.warehouse.duckdb.ranges import Bounds, named
from jetstream_argo.warehouse.duckdb.types import relation
from jetstream_argo.warehouse.duckdb.typing.kinds import SqlType
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType

_MOST = 512


@dataclass(frozen=True, slots=True)
class TableRead:
    """A table or view under its full name, and the bounds of those of its rows that are wanted of it."""

    table: str
    bounds: Bounds = ()

    @property
    def relation(self) -> str:
        """The name under which DuckDB knows these rows."""
        digest = sha256(named(self.bounds).encode()).hexdigest()[:16] if self.bounds else ""
        return relation(self.table) + (f"#{digest}" if digest else "")


@dataclass(frozen=True, slots=True)
class Translated:
    """A query for DuckDB, the names and types of its columns, what it reads and the functions whose macros it calls."""

    sql: str
    columns: tuple[str, ...]
    types: tuple[SqlType, ...]
    reads: tuple[TableRead, ...]
    functions: tuple[Function, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are read, under their full names."""
        return tuple(dict.fromkeys(read.table for read in self.reads))


class Translations:
    """Translations by text and bounds, with the columns that the tables in them had; the longest unused go first."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Bounds], tuple[Translated, Mapping[str, RowType]]] = {}
        self._lock = Lock()  # engines of several threads share them

    def find(self, sql: str, bounds: Bounds, columns: Callable[[str], RowType]) -> Translated | None:
        """Return the translation of a query, if the tables in it still have the columns that they had.

        Raises:
            NotFound: one of the tables does not exist.
        """
        with self._lock:
            found = self._known.pop((sql, bounds), None)
            if found is None:
                return None
            self._known[sql, bounds] = found
        translated, seen = found
        return translated if all(columns(table) == known for table, known in seen.items()) else None

    def keep(self, sql: str, bounds: Bounds, translated: Translated, columns: Mapping[str, RowType]) -> None:
        """Keep a translation that follows from the text and from these columns of the tables in it."""
        with self._lock:
            self._known.pop((sql, bounds), None)
            self._known[sql, bounds] = (translated, columns)
            if len(self._known) > _MOST:
                del self._known[next(iter(self._known))]


@lru_cache(maxsize=4)
def shared(project: str, functions: tuple[Function, ...]) -> Translations:
    """Return the translations of engines of that project which have these functions beside BigQuery's own."""
    return Translations()
