"""Translates a query from BigQuery's dialect into DuckDB's."""

import re
from collections.abc import Callable

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from jetstream_argo.dialect.functions.registry import Registry
from jetstream_argo.dialect.syntax import TOO_DEEP, table_name
from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.sql.text import NO_OVERFLOW
from jetstream_argo.warehouse.duckdb.bounds import note_bounds, noted_bounds
from jetstream_argo.warehouse.duckdb.ranges import Bounds
from jetstream_argo.warehouse.duckdb.reading import read_query
from jetstream_argo.warehouse.duckdb.stars import expand_structs
from jetstream_argo.warehouse.duckdb.translations import TableRead, Translated, shared
from jetstream_argo.warehouse.duckdb.typing.queries import QueryReader, column_name
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType
from jetstream_argo.warehouse.duckdb.typing.setting import Setting
from jetstream_argo.warehouse.duckdb.unnest import rewrite_unnests

_NAME = ("this", "db", "catalog", "alias")
_MACRO = re.compile(r"\b([a-z]\w*?__\w+)\(", re.IGNORECASE)


class Translator:
    """Translates queries, each text once for as long as the tables in it have the columns they had.

    `project` is that of tables which are named without one; `columns` gives a table's columns by its full name.
    """

    def __init__(self, project: str, registry: Registry, columns: Callable[[str], RowType]) -> None:
        self._project = project
        self._registry = registry
        self._columns = columns
        self._known = shared(project, registry.given)

    def translate(self, sql: str, bounds: Bounds = ()) -> Translated:
        """Return the translation of a query of whose rows only those within `bounds` are wanted; it may give others.

        Raises:
            InvalidQuery: BigQuery would not run it.
            Unsupported: this engine would not do it as BigQuery does.
            NotFound: a table does not exist.
        """
        known = self._known.find(sql, bounds, self._columns)
        if known is not None:
            return known
        seen: dict[str, RowType] = {}
        try:
            translated = self._translate(sql, bounds, seen)
        except RecursionError as error:
            raise InvalidQuery(TOO_DEEP) from error
        self._known.keep(sql, bounds, translated, seen)
        return translated

    def _translate(self, sql: str, bounds: Bounds, seen: dict[str, RowType]) -> Translated:
        reading = read_query(sql)
        tree = reading.tree

        def columns(name: str) -> RowType:
            full = self._full(name)
            if full not in seen:
                seen[full] = self._columns(full)
            return seen[full]

        _name_columns(tree)
        note_bounds(tree, bounds)
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
        functions = self._registry.called(name.lower() for name in _MACRO.findall(text))
        names, types = tuple(name for name, _ in rows.columns), tuple(kind for _, kind in rows.columns)
        return Translated(text, names, types, reads, functions)

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
            read = TableRead(self._full(name), noted_bounds(table))
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
