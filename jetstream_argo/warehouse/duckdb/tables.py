"""Describes the tables and views of the store without reading their rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import Conflict, Damaged, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.external import bytes_of, state_of
from jetstream_argo.warehouse.duckdb.intake import Intake
from jetstream_argo.warehouse.duckdb.pointer import Version
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.duckdb.write import rows_by_partition
from jetstream_argo.warehouse.types import Layout, Listed, TableInfo


class StoredTables:
    """Lists and describes the tables in the folder `root`, those of `project` under their short names."""

    def __init__(self, root: Path, project: str, store: Store, intake: Intake) -> None:
        self._root = root
        self._project = project
        self._store = store
        self._intake = intake

    def create_view(
        self, view: str, sql: Sql, columns: tuple[Column, ...], *, description: str, labels: Mapping[str, str]
    ) -> None:
        """Make or replace a view that has these columns.

        Raises:
            Conflict: a table has that name.
        """
        name = self._store.name(view)
        with self._store.locked(name):
            current = self._store.current(name)
            if current is not None and current.view_sql is None:
                raise Conflict(f"{view} is a table; delete it before making a view of that name")
            layout = Layout(description=description, labels=dict(labels))
            self._store.swap(name, Version(columns=columns, layout=layout, view_sql=sql))

    def info(self, table: str) -> TableInfo | None:
        """Return what is known of a table or view, or None if there is none of that name.

        Raises:
            Damaged: a file of the table is missing, or has another size than was written.
        """
        name = self._store.name(table)
        version = self._store.whole(name)
        return None if version is None else self._info(name, version)

    def rows_by_partition(self, table: str) -> Mapping[str, int]:
        """Return how many rows each partition of a table has, as `Job.written` names them; empty where it has none."""
        version = self._store.whole(self._store.name(table))
        return {} if version is None else rows_by_partition(version)

    def set_labels(self, table: str, labels: Mapping[str, str]) -> None:
        """Replace a table's labels."""
        name = self._store.name(table)
        if self._store.current(name) is None:
            raise NotFound(table)
        with self._store.locked(name):
            current = self._store.current(name)
            if current is None:
                raise NotFound(table)
            self._store.swap(name, replace(current, layout=replace(current.layout, labels=dict(labels))))

    def listed(self, dataset: str, prefix: str) -> tuple[Listed, ...]:
        """Return the tables and views of a dataset whose name begins with `prefix`, by name."""
        *project, own = dataset.strip("`").rsplit(".", 1)
        names = self._store.names(project[0] if project else self._project, own, prefix)
        return tuple(listed for name in names if (listed := self._listed(name)) is not None)

    def datasets(self) -> tuple[str, ...]:
        """Return the datasets of the own project, by name."""
        folder = self._root / self._project
        return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir())) if folder.is_dir() else ()

    def _listed(self, name: TableName) -> Listed | None:
        """Return what a list says of a table; of a damaged one, its name, so that others can be listed."""
        try:
            version = self._store.current(name)
        except Damaged:
            return Listed(self._store.short(name), is_view=False, labels={})
        if version is None:
            return None
        return Listed(self._store.short(name), version.view_sql is not None, version.layout.labels)

    def _info(self, name: TableName, version: Version) -> TableInfo:
        place = version.external
        return TableInfo(
            name=self._store.short(name),
            columns=version.columns,
            rows=version.rows if place is None else self._intake.count(version),
            bytes=version.bytes if place is None else bytes_of(place),
            description=version.layout.description,
            labels=version.layout.labels,
            etag=state_of(version),
            view_sql=version.view_sql,
            created=datetime.fromtimestamp(version.created, UTC),
            partitions=rows_by_partition(version),
        )
