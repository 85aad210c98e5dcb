"""Stores the tables of the embedded warehouse: immutable Parquet files behind one pointer file a table.

A table is the folder `<root>/<project>/<dataset>/<table>/`. Its `current.json` names the files that are its rows now
and is replaced as a whole, so that a reader sees one version or the next. Files of earlier versions are kept for a
while, for readers that are still at them, unless they are purged; files of writers that died go with the next write.
"""

import fcntl
import math
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from jetstream_argo.errors import Damaged, InvalidQuery
from jetstream_argo.warehouse.duckdb.errors import file_errors
from jetstream_argo.warehouse.duckdb.integrity import SeenFiles, sync
from jetstream_argo.warehouse.duckdb.pointer import Version, decoded, encoded
from jetstream_argo.warehouse.duckdb.writers import Writers, writer_of

POINTER = "current.json"
PARTS = ".parts"
_STAGED = ".new.parquet"
_LOCK = ".lock"
GRACE_SECONDS = 3600.0

_NAME = re.compile(r"[\w -]+\Z")


@dataclass(frozen=True, slots=True)
class TableName:
    """A table's full name."""

    project: str
    dataset: str
    table: str

    def __str__(self) -> str:
        return f"{self.project}.{self.dataset}.{self.table}"


class Store:
    """Reads and swaps the pointers; `clock` gives epoch seconds and `nonce` a text that was never given before."""

    def __init__(self, root: Path, project: str, *, clock: Callable[[], float], nonce: Callable[[], str]) -> None:
        self._root = root
        self._project = project
        self._clock = clock
        self._nonce = nonce
        self._writers = Writers(root / ".writers", nonce)
        self._decoded: dict[Path, tuple[bytes, Version]] = {}
        self._seen = SeenFiles()

    def name(self, text: str) -> TableName:
        """Return the full name that `dataset.table` or `project.dataset.table` stands for.

        Raises:
            InvalidQuery: it is neither.
        """
        parts = text.strip("`").split(".")
        if len(parts) == 2:  # noqa: PLR2004  # dataset and table
            parts = [self._project, *parts]
        if len(parts) != 3 or not all(_NAME.match(part.removesuffix("*")) for part in parts):  # noqa: PLR2004
            raise InvalidQuery(f"{text!r} is not a table's name; write dataset.table or project.dataset.table")
        return TableName(*parts)

    def short(self, name: TableName) -> str:
        """Return the name as the pipeline writes it: without the project when it is the engine's own."""
        return f"{name.dataset}.{name.table}" if name.project == self._project else str(name)

    def folder(self, name: TableName) -> Path:
        """Return the table's folder, which exists once the table has been written."""
        return self._root / name.project / name.dataset / name.table

    def new_name(self) -> str:
        """Return the name of a data file that does not exist yet."""
        return f"{self._writers.file()}.parquet"

    def staged(self, name: TableName) -> Path:
        """Return the path of a new and empty file, for rows that do not belong to the table yet.

        While it is there the table's folder is not removed. Beside it may lie a folder whose name ends in `.parts`.
        """
        path = self.folder(name) / f"{self._writers.file()}{_STAGED}"
        while not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # the folder has just been removed
                path.touch()
        return path

    def current(self, name: TableName) -> Version | None:
        """Return the table's state, or None if there is no such table.

        Raises:
            Damaged: the pointer is not what was written.
            Unsupported: a newer version of this package wrote it.
        """
        path = self.folder(name) / POINTER
        with file_errors():
            try:
                data = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                self._decoded.pop(path, None)
                return None
            except IsADirectoryError as error:
                raise Damaged(str(path), "the pointer is a folder", whole_table=True) from error
        known = self._decoded.get(path)
        if known is None or known[0] != data:
            known = self._decoded[path] = data, decoded(data, path)
        return known[1]

    def whole(self, name: TableName) -> Version | None:
        """Return the table's state, whose files are all there with their sizes, or None if there is no such table.

        Raises:
            Damaged: the pointer or a file is not what was written.
        """
        version = self.current(name)
        folder = str(self.folder(name))
        while version is not None:
            paths = ((f"{folder}/{file.name}", file) for file in version.files)
            found = ((path, self._seen.damage(path, file, whole=False)) for path, file in paths)
            first = next((Damaged(path, what) for path, what in found if what), None)
            if first is None:
                break
            later = self.current(name)
            if later is not None and later.etag == version.etag:
                raise first
            version = later  # it was replaced meanwhile, and its files removed
        return version

    def names(self, project: str, dataset: str, prefix: str = "") -> list[TableName]:
        """Return the dataset's tables and views whose name begins with `prefix`, in order."""
        folder = self._root / project / dataset
        found = folder.glob(f"*/{POINTER}") if folder.is_dir() else ()
        names = sorted(path.parent.name for path in found)
        return [TableName(project, dataset, name) for name in names if name.startswith(prefix)]

    @contextmanager
    def locked(self, name: TableName) -> Iterator[None]:
        """Keep every other writer of the table out, in this process and in others."""
        folder = self.folder(name)
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                lock = (folder / _LOCK).open("a")
            except FileNotFoundError:  # the folder has just been removed
                continue
            with lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if _is_same(folder / _LOCK, lock):  # it has not been removed while this waited
                    with file_errors():
                        yield
                    return

    def swap(self, name: TableName, version: Version) -> Version:
        """Make `version` the table's state, and remove files whose time has come; the caller holds the lock.

        A table that is there already stays as old as it is.
        """
        now = self._clock()
        before = self.current(name) or Version(created=now)
        kept = {file.name for file in version.files}
        retired = dict(before.retired) | {file.name: now for file in before.files if file.name not in kept}
        waiting = tuple((file, since) for file, since in retired.items() if now - since < GRACE_SECONDS)
        version = replace(
            version, generation=before.generation + 1, nonce=self._nonce(), retired=waiting, created=before.created
        )
        folder = self.folder(name)
        self._write_pointer(folder, version)
        self._clear(folder, keep=kept | {file for file, _ in waiting}, before=now - GRACE_SECONDS)
        return version

    def drop(self, name: TableName) -> None:
        """Delete the table with its files. Who reads it finds that it is gone; who writes to it makes it anew."""
        folder = self.folder(name)
        if not folder.is_dir():
            return
        with self.locked(name):
            remove(folder / POINTER)
            self._clear(folder, keep=())

    def purge(self, name: TableName) -> int:
        """Remove what is not the table's state now, but for what writers are at; return how many files that were.

        Raises:
            Damaged: the pointer is not what was written, so that nobody knows what the state is.
        """
        folder = self.folder(name)
        if not folder.is_dir():
            return 0
        with self.locked(name):
            version = self.current(name)
            if version is not None and version.retired:
                self._write_pointer(folder, replace(version, retired=()))
            return self._clear(folder, keep=[file.name for file in version.files] if version is not None else ())

    def left_over(self, name: TableName) -> int:
        """Return how many files there are that no pointer names, and that no writer is at.

        Nothing is locked: what a writer that is at work has just renamed is its own. Of a table whose pointer is
        damaged nobody knows.
        """
        folder = self.folder(name)
        found = [path for path in _contents(folder) if not self._is_somebodys(path)]
        try:
            version = self.current(name)
        except Damaged:
            return 0
        kept = {file.name for file in version.files} | {file for file, _ in version.retired} if version else set()
        return sum(_files(path) for path in found if path.name not in kept)

    def _is_somebodys(self, path: Path) -> bool:
        """Whether a writer may be at a file: those that were made when writers had no names are for a while."""
        writer = writer_of(path.name)
        if writer is None:
            try:
                return path.stat().st_mtime >= self._clock() - GRACE_SECONDS
            except FileNotFoundError:  # it has just been removed
                return True
        return self._writers.is_at_work(writer)

    def forget_dead_writers(self) -> None:
        """Remove what is left of writers that died, once their files are gone."""
        self._writers.forget_dead()

    def _clear(self, folder: Path, *, keep: Collection[str], before: float = math.inf) -> int:
        """Remove files that nobody needs, and the folder if nothing stays in it; the caller holds the lock.

        Files that were made when writers had no names are needed if they are not older than `before`.
        """
        gone = 0
        for path in _contents(folder):
            if path.name not in keep and self._is_left_over(path, before):
                gone += remove(path)
        if all(path.name == _LOCK for path in folder.iterdir()):
            (folder / _LOCK).unlink()
            folder.rmdir()
        return gone

    def _is_left_over(self, path: Path, before: float) -> bool:
        """Whether nobody is at a file that the pointer does not name: only what is staged may be somebody's."""
        writer = writer_of(path.name)
        if writer is None:
            return path.stat().st_mtime < before
        return not path.name.endswith((_STAGED, PARTS)) or not self._writers.is_at_work(writer)

    def _write_pointer(self, folder: Path, version: Version) -> None:
        draft = folder / f".{self._writers.file()}.json"
        with draft.open("w", encoding="utf-8") as file:
            file.write(encoded(version))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(folder / POINTER)
        sync(folder)


def remove(path: Path) -> int:
    """Remove a file, or a folder of files, if it is there; return how many files that were."""
    if not path.is_dir():
        path.unlink(missing_ok=True)
        return 1
    inside = _files(path)
    shutil.rmtree(path, ignore_errors=True)
    return inside


def _files(path: Path) -> int:
    return sum(not entry.is_dir() for entry in path.rglob("*")) if path.is_dir() else int(path.exists())


def _contents(folder: Path) -> list[Path]:
    """Return what writers make in a table's folder: data files, folders of staged ones, and drafts of pointers."""
    return [*folder.glob("*.parquet"), *folder.glob(f"*{PARTS}"), *folder.glob(".*.json")]


def _is_same(path: Path, opened: TextIO) -> bool:
    try:
        return path.stat().st_ino == os.fstat(opened.fileno()).st_ino
    except FileNotFoundError:
        return False
