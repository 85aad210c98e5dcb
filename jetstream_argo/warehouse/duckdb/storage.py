"""Looks after the files of tables: what is damaged, what writers left that died, and what may be removed."""

from collections.abc import Sequence
from dataclasses import replace

from jetstream_argo.errors import Damaged
from jetstream_argo.warehouse.duckdb.integrity import damage
from jetstream_argo.warehouse.duckdb.store import Store
from jetstream_argo.warehouse.types import Purged


class TableFiles:
    """Finds and removes what storage has beside the rows of tables, and what is wrong with these."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def purge(self, tables: Sequence[str]) -> Purged:
        """Remove earlier versions of these tables, deleted ones too, and what writers left that died."""
        files = sum(self._store.purge(self._store.name(table)) for table in tables)
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
        folder = self._store.folder(name)
        found = ((folder / file.name, damage(folder / file.name, file)) for file in version.files) if version else ()
        return tuple(Damaged(str(path), what) for path, what in found if what)

    def salvage(self, table: str) -> None:
        """Make a damaged table what is left of it: the files that are whole; without its pointer that is none."""
        name = self._store.name(table)
        folder = self._store.folder(name)
        with self._store.locked(name):
            try:
                version = self._store.current(name)
            except Damaged:
                version = None
            if version is not None:
                whole = tuple(file for file in version.files if not damage(folder / file.name, file))
                if whole != version.files:
                    self._store.swap(name, replace(version, files=whole))
                return
        self._store.drop(name)
