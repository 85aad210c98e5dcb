"""The tables and views of the store as views of DuckDB."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jetstream_argo.engines.embedded.pointer import Version
from jetstream_argo.engines.embedded.store import Store, TableName
from jetstream_argo.engines.embedded.types import duckdb_type, quoted, quoted_relation, relation, text_literal
from jetstream_argo.engines.protocol import Column
from jetstream_argo.errors import NotFound

if TYPE_CHECKING:
    from jetstream_argo.engines.embedded.session import Session
    from jetstream_argo.engines.embedded.translate import Translated


class Views:
    """Makes the views that translated queries read, each again when its table has changed."""

    def __init__(self, store: Store, session: "Session") -> None:
        self._store = store
        self._session = session
        self._made: dict[str, str] = {}

    def use(self, translated: "Translated") -> None:
        """Make the views and macros that the query needs.

        Raises:
            NotFound: a table does not exist.
        """
        self._use(translated, {})

    def forget(self) -> None:
        """Make every view anew when it is needed again, because the connection that had them is gone."""
        self._made.clear()

    def base_tables(self, translated: "Translated") -> dict[TableName, Version]:
        """Return the tables that a query reads: those behind views, and all that a wildcard matches.

        Raises:
            NotFound: a table does not exist.
        """
        found: dict[TableName, Version] = {}
        for table in translated.tables:
            for name in self._matches(table):
                version = self._current(name)
                if version.view_sql is None:
                    found[name] = version
                else:
                    found |= self.base_tables(self._session.translate(version.view_sql))
        return found

    def _use(self, translated: "Translated", signatures: dict[str, str]) -> str:
        self._session.define(translated.macros)
        return "".join(self._use_table(table, signatures) for table in translated.tables)

    def _use_table(self, table: str, signatures: dict[str, str]) -> str:
        if table not in signatures:
            use = self._use_wildcard if "*" in table else self._use_one
            signatures[table] = use(table, signatures)
        return signatures[table]

    def _use_one(self, table: str, signatures: dict[str, str]) -> str:
        name = self._store.name(table)
        version = self._current(name)
        signature = f"{table}@{version.etag};"
        if version.view_sql is None:
            return self._view(table, parquet_rows(self._store, name, version), signature)
        inner = self._session.translate(version.view_sql)
        return self._view(table, inner.sql, signature + self._use(inner, signatures))

    def _use_wildcard(self, table: str, signatures: dict[str, str]) -> str:
        matches = self._matches(table)
        prefix = self._store.name(table).table.removesuffix("*")
        signature = "".join(self._use_table(str(match), signatures) for match in matches)
        suffixes = [(quoted_relation(str(match)), text_literal(match.table.removeprefix(prefix))) for match in matches]
        rows = " UNION ALL BY NAME ".join(
            f"SELECT *, {suffix} AS _TABLE_SUFFIX FROM {match}" for match, suffix in suffixes
        )
        return self._view(table, rows, signature)

    def _view(self, table: str, rows: str, signature: str) -> str:
        if self._made.get(relation(table)) != signature:
            self._session.connection.execute(f"CREATE OR REPLACE TEMP VIEW {quoted_relation(table)} AS {rows}")
            self._made[relation(table)] = signature
        return signature

    def _matches(self, table: str) -> list[TableName]:
        """Return the tables that a name with or without a wildcard means."""
        name = self._store.name(table)
        if "*" not in table:
            return [name]
        matches = self._store.names(name.project, name.dataset, name.table.removesuffix("*"))
        if not matches:
            raise NotFound(self._store.short(name))
        return matches

    def _current(self, name: TableName) -> Version:
        version = self._store.current(name)
        if version is None:
            known = [self._store.short(other) for other in self._store.names(name.project, name.dataset)]
            raise NotFound(self._store.short(name), known)
        return version


def parquet_rows(store: Store, name: TableName, version: Version, *, only: Sequence[str] | None = None) -> str:
    """Return a query for a table's rows; a column that a file lacks is NULL there. `only` limits it to some files."""
    folder = store.folder(name)
    files = [file for file in version.files if only is None or file.name in only]
    paths = ", ".join(text_literal(str(folder / file.name)) for file in files)
    held = {column for file in files for column in file.columns}
    columns = ", ".join(_column(column, present=column.name in held) for column in version.columns)
    by_name = ", union_by_name = true" if len({file.columns for file in files}) > 1 else ""
    return f"SELECT {columns} FROM read_parquet([{paths}], hive_partitioning = false{by_name})"


def _column(column: Column, *, present: bool) -> str:
    name = quoted(column.name)
    return name if present else f"CAST(NULL AS {duckdb_type(column.type)}) AS {name}"
