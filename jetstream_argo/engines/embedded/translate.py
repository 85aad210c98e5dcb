"""How a query in BigQuery's dialect becomes one of DuckDB's."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256

from sqlglot import ErrorLevel, exp
from sqlglot.errors import UnsupportedError

from jetstream_argo.engines.embedded.allowed import check_allowed
from jetstream_argo.engines.embedded.bounds import table_bounds
from jetstream_argo.engines.embedded.functions import Registry
from jetstream_argo.engines.embedded.ranges import Bounds, named
from jetstream_argo.engines.embedded.rules import apply_rules
from jetstream_argo.engines.embedded.stars import expand_structs
from jetstream_argo.engines.embedded.types import relation
from jetstream_argo.engines.embedded.unnest import rewrite_unnests
from jetstream_argo.engines.syntax import parse_query, table_name
from jetstream_argo.errors import InvalidQuery, Unsupported

_NAME = ("this", "db", "catalog", "alias")
_MACRO = re.compile(r"\b([a-z]\w*?__\w+)\(", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Read:
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
    """A query for DuckDB, what it reads and the macros that it calls."""

    sql: str
    reads: tuple[Read, ...]
    macros: tuple[str, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that are read, under their full names."""
        return tuple(dict.fromkeys(read.table for read in self.reads))


class Translator:
    """Translates queries, each text once. `project` is that of tables which are named without one."""

    def __init__(self, project: str, registry: Registry) -> None:
        self._project = project
        self._registry = registry
        self.translate = lru_cache(maxsize=512)(self._translate)

    def _translate(self, sql: str, bounds: Bounds = ()) -> Translated:
        """Translate a query of whose rows only those within `bounds` are wanted; it may give others, too."""
        tree = parse_query(sql)
        check_allowed(tree, self._registry, sql)
        _name_columns(tree)
        wanted = table_bounds(tree, bounds)
        for select in list(tree.find_all(exp.Select)):
            rewrite_unnests(select)
        expand_structs(tree)
        reads = self._reads(tree, wanted)
        apply_rules(tree, self._registry)
        try:
            text = tree.sql("duckdb", unsupported_level=ErrorLevel.RAISE)
        except UnsupportedError as error:
            raise Unsupported(f"cannot be translated for the embedded engine: {error}") from error
        return Translated(text, reads, tuple(dict.fromkeys(name.lower() for name in _MACRO.findall(text))))

    def _reads(self, tree: exp.Expr, wanted: Mapping[int, Bounds]) -> tuple[Read, ...]:
        found: dict[Read, None] = {}
        ctes = {cte.alias.lower() for cte in tree.find_all(exp.CTE)}
        for table in list(tree.find_all(exp.Table)):
            name = table_name(table)
            if "." not in name:
                if name.lower() not in ctes:
                    raise InvalidQuery(f"table {name!r} needs its dataset; write dataset.{name}")
                continue
            full = name if name.count(".") > 1 else f"{self._project}.{name}"
            read = Read(full, wanted.get(id(table), ()))
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
    if not isinstance(select, exp.Select):
        return
    number = 0
    for item in list(select.expressions):
        inner = item
        if not isinstance(inner, exp.Star | exp.Alias) and not inner.output_name and not _is_star(inner):
            item.replace(exp.alias_(item.copy(), f"f{number}_"))
            number += 1


def _is_star(item: exp.Expr) -> bool:
    return isinstance(item, exp.Column | exp.Dot) and (
        isinstance(item.this, exp.Star) or isinstance(item.args.get("expression"), exp.Star)
    )
