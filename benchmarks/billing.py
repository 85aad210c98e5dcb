"""The embedded engine with bytes as BigQuery bills them: the columns that a query names, of the partitions it filters.

https://cloud.google.com/bigquery/docs/estimate-costs#query_size_calculation has the sizes of types. Clustering, which
leaves out blocks of a partition, counts for nothing here; so do texts' true lengths.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import sqlglot
from sqlglot import exp

from jetstream_argo.dialect.types import Column
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import DryRun, Job, Layout, Write

_BYTES = {"BOOL": 1, "STRING": 12, "INT64": 8, "FLOAT64": 8, "DATE": 8, "TIMESTAMP": 8}
_ID_BYTES = 38  # 36 characters, as telemetry's units have


class BilledEngine(EmbeddedEngine):
    """Says of dry runs and of queries that write what BigQuery would bill, and adds up what was read for tables.

    That is by the first word of the names of tables that were written.
    """

    @cached_property
    def billed(self) -> Counter[str]:
        """Bytes as BigQuery counts them."""
        return Counter()

    @cached_property
    def stored(self) -> Counter[str]:
        """Bytes of files that DuckDB read."""
        return Counter()

    def dry_run(self, sql: Sql) -> DryRun:
        """Check a query and say what BigQuery would bill for it."""
        return replace(super().dry_run(sql), bytes=self.billed_by_table(sql).total())

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query, and count what was read for it."""
        size = self.billed_by_table(sql).total()
        job = super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)
        kind = destination.rpartition(".")[2].partition("_")[0]
        self.billed[kind] += size
        self.stored[kind] += job.bytes
        return replace(job, bytes=size)

    def billed_by_table(self, sql: Sql) -> Counter[str]:
        """Return what BigQuery would bill for a query, by the name of the table that is read, behind views too."""
        tree = sqlglot.parse_one(sql, dialect="bigquery")
        named = self._named(tree)
        whole = any(isinstance(star.parent, exp.Select | exp.Column) for star in tree.find_all(exp.Star))
        seen: defaultdict[str, set[str | None]] = defaultdict(set)
        found: Counter[str] = Counter()
        for given in self._session.given(sql):
            name = self._store.short(given.name)
            row = sum(width(column) for column in given.version.columns if whole or column.name.lower() in named)
            partitions = {file.partition for file in given.files} - seen[name]
            seen[name] |= partitions
            rows = sum(file.rows for file in given.version.files if file.partition in partitions)
            if not given.version.files and name not in found:  # a temporary table, which has no partitions
                rows = int(str(super().query(Sql(f"SELECT COUNT(*) FROM `{name}`"), labels={}).rows[0][0]))
            found[name] += row * rows
        return found

    def _named(self, tree: exp.Expr) -> set[str]:
        """Return the names of the columns that a query uses, and of those behind them in the views that it reads."""
        named = {column.name.lower() for column in tree.find_all(exp.Column)}
        for table in tree.find_all(exp.Table):
            info = (
                self.info(".".join(part.name for part in table.parts)) if table.db and "*" not in table.name else None
            )
            if info is not None and info.view_sql is not None:
                view = sqlglot.parse_one(info.view_sql, dialect="bigquery")
                for item in view.selects if isinstance(view, exp.Select) else ():
                    if item.alias_or_name.lower() not in named and not item.is_star:
                        item.pop()
                named |= self._named(view)
        return named


def width(column: Column) -> int:
    """Return the bytes of a column's value."""
    return _ID_BYTES if column.name.endswith("_id") and column.type == "STRING" else _BYTES.get(column.type, 16)
