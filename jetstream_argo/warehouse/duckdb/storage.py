"""Looks after the files of tables: what is damaged, what writers left that died, and what may be removed."""

from collections.abc import Sequence
from dataclasses import replace

from jetstream_argo.errors import Damaged
from jetstream_argo.warehouse.duckdb.integrity import damage
from jetstream_argo.warehouse.duckdb.pointer import Version
from jetstream_argo.warehouse.duckdb.spill import SpillFolder
from jetstream_argo.warehouse.duckdb.store import Store, TableName
from jetstream_argo.warehouse.types import Purged


class TableFiles:
    """Finds and removes what storage has beside the rows of tables, and what is wrong with these."""

    def __init__(self, store: Store, spill: SpillFolder) -> None:
        self._store = store
        self._spill = spill

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove earlier versions of these tables, deleted ones too, and what writers and sessions left that died."""
        files = sum(self._store.purge(self._store.name(table)) for table in tables)
        self._spill.remove_dead()
        self._store.forget_dead_writers()
        return Purged(files)

    def left_over(self, table: str) -> int:
        """Return how many files writers that died have left of a table, be it there or not."""
        return self._store.left_over(self._store.name(table))

    def verify(self, table: str) -> tuple[Damaged, ...]:
        """Return what is damaged of a table: its pointer, or files that it names; a table that is missing is not."""
        name = self._store.name(table)
        try:
            version = self._store.current(name)
        except Damaged as error:
            return (error,)
        found = self._damaged(name, version) if version is not None else {}
        folder = self._store.folder(name)
        return tuple(Damaged(str(folder / file), what) for file, what in found.items())

    def salvage(self, table: str) -> None:
        """Make a damaged table what is left of it: the files that are whole; without its pointer that is none."""
        name = self._store.name(table)
        with self._store.locked(name):
            try:
                version = self._store.current(name)
            except Damaged:
                version = None
            if version is not None:
                damaged = self._damaged(name, version)
                if damaged:
                    whole = tuple(file for file in version.files if file.name not in damaged)
                    self._store.swap(name, replace(version, files=whole))
                return
        self._store.drop(name)

    def _damaged(self, name: TableName, version: Version) -> dict[str, str]:
        """Return what is wrong with the files of a table that are not what was written, by their names."""
        folder = self._store.folder(name)
        found = {file.name: damage(folder / file.name, file) for file in version.files}
        return {file: what for file, what in found.items() if what}
