"""Finds the tables that a query reads, those behind views included."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from google.cloud.bigquery import Table, TableReference

from jetstream_argo.errors import InvalidQuery, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.partitions import shard_of
from jetstream_argo.warehouse.bigquery.tables import Tables

# "Queries that reference more than 50 tables will not have a complete list."
# https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics2
MOST_LISTED = 50


@dataclass(slots=True)
class References:
    """Finds base tables with `dry_run`, which returns what a query references as the service lists it.

    The service lists the tables behind views. Whether a view or a wildcard stands there too is not documented, so both
    are resolved. `cut` holds the tables of lists that may not be complete.
    """

    tables: Tables
    dry_run: Callable[[Sql], Sequence[TableReference]]
    cut: set[str] = field(default_factory=set)

    def base_tables(self, sql: Sql) -> tuple[str, ...]:
        """Return the names of all tables that a query reads, sorted; no view is among them."""
        listed = self.dry_run(sql)
        found = set(self._resolved(listed, seen=set()))
        if len(listed) >= MOST_LISTED:
            self.cut |= {self.tables.full(name) for name in found}
        return tuple(sorted(found))

    def _resolved(self, references: Sequence[TableReference], *, seen: set[str]) -> Iterator[str]:
        named = {self.tables.short(reference): reference for reference in references}
        new = {name: reference for name, reference in named.items() if name not in seen}
        seen |= set(new)
        single = [name for name, reference in new.items() if not _surely_tables(reference.table_id)]
        looked = dict(zip(single, self.tables.look_at(single), strict=True))
        for name, reference in new.items():
            found = looked.get(name)
            if reference.table_id.endswith("*"):
                dataset, prefix = name.removesuffix("*").rsplit(".", 1)
                yield from (table.name for table in self.tables.list(dataset, prefix=prefix) if not table.is_view)
            elif isinstance(found, Table) and (found.view_query or found.mview_query):
                yield from self._resolved(self._behind(found), seen=seen)
            else:
                yield name

    def _behind(self, view: Table) -> Sequence[TableReference]:
        sql = Sql(str(view.view_query or view.mview_query))
        try:
            names = [_with_project(name, view.project) for name in _named_in(sql)]
        except (InvalidQuery, Unsupported):
            return self.dry_run(sql)  # refused where a table insists on a filter by its dates
        looked = zip(names, self.tables.look_at(names), strict=True)
        # What is not there is no table: the query as a whole was found good.
        return [self.tables.reference(name) for name, found in looked if found is not None or name.endswith("*")]


def _surely_tables(table_id: str) -> bool:
    return table_id.endswith("*") or shard_of(table_id) is not None


def _named_in(sql: Sql) -> list[str]:
    """Return the tables that a view's definition names, as far as it names them."""
    from sqlglot import exp  # not loaded where no view is listed

    from jetstream_argo.dialect.syntax import parse_query, table_name

    tree = parse_query(sql)
    tables = list(tree.find_all(exp.Table))
    # `FROM t, t.items` unnests a column of the first.
    aliases = {table.alias_or_name.lower() for table in tables}
    named = dict.fromkeys(table_name(table) for table in tables)
    return [name for name in named if "." in name and name.split(".")[0].lower() not in aliases]


def _with_project(name: str, project: str) -> str:
    return name if name.count(".") > 1 else f"{project}.{name}"
