"""Which columns the account may not read, and which statements read one."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EngineError
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.wire import ApiError, Resource


class Policies:
    """The tags of columns, by their tables' full names, that the account may not read."""

    def __init__(self, engine: EmbeddedEngine, project: str) -> None:
        self._engine = engine
        self._project = project
        self._tags: dict[tuple[str, str], str] = {}
        self.row_policies: set[str] = set()  # tables of which the account is shown some rows only
        self.may_list_row_policies = True
        self.masked: set[str] = set()  # tables of which it is shown some columns masked

    def tags(self, table: str) -> dict[str, str]:
        """Return the tags of a table's columns."""
        return {column: tag for (name, column), tag in self._tags.items() if name == table}

    def applied(self, tables: Iterable[str]) -> Resource:
        """Return what a job's statistics say of having read these tables.

        https://cloud.google.com/bigquery/docs/reference/rest/v2/Job#JobStatistics
        """
        read = set(tables)
        found: Resource = {}
        if read & self.row_policies:
            found["rowLevelSecurityStatistics"] = {"rowLevelSecurityApplied": True}
        if read & self.masked:
            found["dataMaskingStatistics"] = {"dataMaskingApplied": True}
        return found

    def tag(self, table: str, column: str, tag: str = "Sensitive : High") -> None:
        """Have a column bear a policy tag that the account may not read."""
        self._tags[table, column] = tag

    def check(self, sql: Sql) -> None:
        """Raise what the service says of a statement that reads such a column.

        It is read if without it the statement fails, or gives other columns: a star counts for what is used of it.
        """
        if not self._tags:
            return
        read = {name: columns for name, columns in self._tables(sql) if any(name == table for table, _ in self._tags)}
        denied = [(table, column) for table, column in self._tags if table in read and self._needs(sql, table, column)]
        if denied:
            names = ", ".join(f"{table}.{column}" for table, column in denied)
            columns = f"column{'s' if len(denied) > 1 else ''} {names}"
            raise ApiError(
                403,
                "accessDenied",
                "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to "
                f'get data protected by policy tag "{self._tags[denied[0]]}" on {columns}.',
            )

    def _needs(self, sql: Sql, table: str, column: str) -> bool:
        with TemporaryDirectory() as folder:
            without = EmbeddedEngine(Path(folder), project=self._project)
            for name, columns in self._tables(sql):
                kept = [field for field in columns if (name, field.name) != (table, column)]
                without.load(name, [], kept, write=Write.TRUNCATE, labels={})
            try:
                for name, view in self._views(sql):
                    without.create_view(name, _not_excepting(view, column), labels={})
                return without.dry_run(_not_excepting(sql, column)).columns != self._engine.dry_run(sql).columns
            except EngineError:
                return True

    def _tables(self, sql: Sql) -> Iterator[tuple[str, tuple[Column, ...]]]:
        for name in self._engine.base_tables(sql):
            info = self._engine.info(name)
            if info is not None:
                yield (name if name.count(".") > 1 else f"{self._project}.{name}"), info.columns

    def _views(self, sql: Sql) -> Iterator[tuple[str, Sql]]:
        """Yield the views that a statement reads, each after those that it reads itself."""
        for name in self._engine._session.translate(sql).tables:
            info = None if "*" in name else self._engine.info(name)
            if info is not None and info.view_sql is not None:
                yield from self._views(Sql(info.view_sql))
                yield name, Sql(info.view_sql)


def _not_excepting(sql: Sql, column: str) -> Sql:
    """Return the statement for tables without the column: nothing can be taken away from a star that is not in it."""

    def others(found: re.Match[str]) -> str:
        names = [name.strip() for name in found[1].split(",")]
        kept = [name for name in names if name.strip("`").lower() != column.lower()]
        return f"EXCEPT ({', '.join(kept)})" if kept else ""

    return Sql(re.sub(r"EXCEPT\s*\(([^()]*)\)", others, sql, flags=re.IGNORECASE))
