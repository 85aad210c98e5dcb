"""Where the tables of the embedded warehouse are: immutable Parquet files behind one pointer file a table.

A table is the folder `<root>/<project>/<dataset>/<table>/`. Its `current.json` names the files that are its rows now
and is replaced as a whole, so that a reader sees one version or the next. Files of earlier versions are kept for a
while, for readers that are still at them.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from jetstream_argo.engines.embedded.integrity import sync
from jetstream_argo.engines.embedded.pointer import Version, decoded, encoded
from jetstream_argo.errors import InvalidQuery

POINTER = "current.json"
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
        self._swept: dict[Path, float] = {}

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

    def new_file(self, name: TableName) -> Path:
        """Return the path of a file that does not exist yet, in a folder that does."""
        folder = self.folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{self._nonce()}.parquet"

    def current(self, name: TableName) -> Version | None:
        """Return the table's state, or None if there is no such table.

        Raises:
            Damaged: the pointer is not what was written.
            Unsupported: a newer version of this package wrote it.
        """
        try:
            path = self.folder(name) / POINTER
            return decoded(path.read_bytes(), path)
        except (FileNotFoundError, NotADirectoryError):
            return None

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
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

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
        _write_pointer(folder, encoded(version), self._nonce())
        keep = kept | {file for file, _ in waiting}
        for path in folder.glob("*.parquet"):
            # A file that no pointer has named yet may belong to a writer at work.
            if path.name not in keep and (path.name in retired or now - path.stat().st_mtime > GRACE_SECONDS):
                path.unlink(missing_ok=True)
        for path in [*folder.glob("*.parts"), *folder.glob(".*.json")]:
            if now - path.stat().st_mtime > GRACE_SECONDS:  # of a writer that was killed
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return version

    def drop(self, name: TableName) -> None:
        """Delete the table, now for new readers, and its files once those at work must be done."""
        folder = self.folder(name)
        if not (folder / POINTER).exists():
            return
        with self.locked(name):
            (folder / POINTER).unlink(missing_ok=True)
            (folder / ".lock").touch()
        self._sweep(folder.parent)

    def _sweep(self, dataset: Path) -> None:
        """Remove what was dropped long ago; not with every table that is dropped, since it looks at all of them."""
        now = self._clock()
        if now - self._swept.get(dataset, float("-inf")) < GRACE_SECONDS:
            return
        self._swept[dataset] = now
        for folder in dataset.iterdir():
            if folder.is_dir() and not (folder / POINTER).exists():
                newest = max((path.stat().st_mtime for path in folder.iterdir()), default=folder.stat().st_mtime)
                if now - newest > GRACE_SECONDS:
                    shutil.rmtree(folder, ignore_errors=True)


def _write_pointer(folder: Path, text: str, nonce: str) -> None:
    draft = folder / f".{nonce}.json"
    with draft.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / POINTER)
    sync(folder)
