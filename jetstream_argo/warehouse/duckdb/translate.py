"""Translates a query from BigQuery's dialect into DuckDB's."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from jetstream_argo.dialect.functions.registry import Registry
from jetstream_argo.dialect.syntax import TOO_DEEP, table_name
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.sql.text import NO_OVERFLOW
from jetstream_argo.warehouse.duckdb.bounds import table_bounds
from jetstream_argo.warehouse.duckdb.ranges import Bounds, named
from jetstream_argo.warehouse.duckdb.reading import read_query
from jetstream_argo.warehouse.duckdb.stars import expand_structs
from jetstream_argo.warehouse.duckdb.types import relation
from jetstream_argo.warehouse.duckdb.typing.queries import QueryReader, column_name
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType
from jetstream_argo.warehouse.duckdb.typing.setting import Setting
from jetstream_argo.warehouse.duckdb.unnest import rewrite_unnests

_NAME = ("this", "db", "catalog", "alias")
_MACRO = re.compile(r"\b([a-z]\w*?__\w+)\(", re.IGNORECASE)
_KEPT = 512
_WANTED = "wanted"  # bounds, in the meta data of a table's node


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
    """A query for DuckDB, the names of its columns, what it reads and the macros that it calls."""

    sql: str
    columns: tuple[str, ...]
    reads: tuple[TableRead, ...]
    macros: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are read, under their full names."""
        return tuple(dict.fromkeys(read.table for read in self.reads))


class Translator:
    """Translates queries, each text once for as long as the tables in it have the columns they had.

    `project` is that of tables which are named without one; `columns` gives a table's columns by its full name.
    """

    def __init__(self, project: str, registry: Registry, columns: Callable[[str], RowType]) -> None:
        self._project = project
        self._registry = registry
        self._columns = columns
        self._known: dict[tuple[str, Bounds], tuple[Translated, dict[str, RowType]]] = {}

    def translate(self, sql: str, bounds: Bounds = ()) -> Translated:
        """Return the translation of a query of whose rows only those within `bounds` are wanted; it may give others.

        Raises:
            InvalidQuery: BigQuery would not run it.
            Unsupported: this engine would not do it as BigQuery does.
            NotFound: a table does not exist.
        """
        known = self._known.get((sql, bounds))
        if known is not None and all(self._columns(table) == columns for table, columns in known[1].items()):
            return known[0]
        if len(self._known) >= _KEPT:
            del self._known[next(iter(self._known))]
        seen: dict[str, RowType] = {}
        try:
            self._known[sql, bounds] = (self._translate(sql, bounds, seen), seen)
        except RecursionError as error:
            raise InvalidQuery(TOO_DEEP) from error
        return self._known[sql, bounds][0]

    def _translate(self, sql: str, bounds: Bounds, seen: dict[str, RowType]) -> Translated:
        reading = read_query(sql)
        tree = reading.tree

        def columns(name: str) -> RowType:
            full = self._full(name)
            if full not in seen:
                seen[full] = self._columns(full)
            return seen[full]

        _name_columns(tree)
        wanted = table_bounds(tree, bounds)
        for table in tree.find_all(exp.Table):
            table.meta[_WANTED] = wanted.get(id(table), ())
        setting = Setting(reading, self._registry, columns, checks_overflow=not sql.startswith(NO_OVERFLOW))
        rows = QueryReader(setting).rows(tree, None)
        for select in list(tree.find_all(exp.Select)):
            rewrite_unnests(select)
        expand_structs(tree)
        reads = self._reads(tree)
        try:
            text = tree.sql("duckdb", copy=False, unsupported_level=ErrorLevel.RAISE)  # nobody needs the tree after it
        except UnsupportedError as error:
            raise Unsupported(f"cannot be translated for the embedded engine: {error}") from error
        macros = tuple(dict.fromkeys(name.lower() for name in _MACRO.findall(text)))
        return Translated(text, tuple(name for name, _ in rows.columns), reads, macros)

    def _full(self, name: str) -> str:
        if "." not in name:
            raise InvalidQuery(f"table {name!r} needs its dataset; write dataset.{name}")
        return name if name.count(".") > 1 else f"{self._project}.{name}"

    def _reads(self, tree: exp.Expr) -> tuple[TableRead, ...]:
        found: dict[TableRead, None] = {}
        for table in list(tree.find_all(exp.Table)):
            name = table_name(table)
            if "." not in name:
                continue  # a query of WITH
            read = TableRead(self._full(name), table.meta.get(_WANTED, ()))
            found[read] = None
            alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(table.name, quoted=True))
            # A join in brackets hangs on its first table.
            rest = {key: value for key, value in table.args.items() if key not in _NAME}
            table.replace(exp.Table(this=exp.to_identifier(read.relation, quoted=True), alias=alias, **rest))
        return tuple(found)


def _name_columns(tree: exp.Expr) -> None:
    """Give the result's nameless columns the names that BigQuery gives them: f0_, f1_ …"""
    select = tree
    while isinstance(select, exp.SetOperation | exp.Subquery):
        select = select.this
    if not isinstance(select, exp.Select) or select.args.get("kind"):
        return
    number = 0
    for item in list(select.expressions):
        if not isinstance(item, exp.Alias) and not item.is_star and not column_name(item):
            item.replace(exp.Alias(this=item.copy(), alias=exp.to_identifier(f"f{number}_")))
            number += 1
