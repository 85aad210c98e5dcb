"""Checks whether files hold what was written to them."""

import os
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from jetstream_argo.errors import Damaged
from jetstream_argo.warehouse.duckdb.pointer import DataFile

_CHUNK = 1 << 20
# Beyond this, a file's own length and ends are looked at: to read all of it would cost as much as a query of it.
_WHOLE_BYTES = 32 << 20
_MAGIC = b"PAR1"
_AT_ONCE = 8
_Stamp: TypeAlias = tuple[int, int, int]


class SeenFiles:
    """Looks at every data file once in this process, and again when it is another file since."""

    def __init__(self) -> None:
        self._seen: dict[str, _Stamp] = {}

    def damage(self, path: str, file: DataFile, *, whole: bool) -> str:
        """Return what is wrong with a file, or nothing, as the function `damage` does."""
        stamp = _stamp(path)  # before the look: what is written meanwhile is looked at again
        if stamp is not None and self._seen.get(path) == stamp:
            return "" if stamp[1] == file.bytes else damage(path, file, whole=whole)
        what = damage(path, file, whole=whole)
        if what or stamp is None:
            return what or "is missing"
        self._seen[path] = stamp
        return ""

    def forget(self, path: Path) -> None:
        """Look at the file again when it is asked for again."""
        self._seen.pop(str(path), None)


class Integrity:
    """Looks at every data file before it is first read in this process, and again when it is another file since."""

    def __init__(self) -> None:
        self._seen = SeenFiles()

    def check(self, folder: Path, files: Iterable[DataFile]) -> None:
        """Look at those of the files that were not looked at yet.

        Raises:
            Damaged: a file is missing or is not what was written.
        """
        for file in files:
            path = f"{folder}/{file.name}"
            what = self._seen.damage(path, file, whole=True)
            if what:
                raise Damaged(path, what)

    def forget(self, path: Path) -> None:
        """Look at the file again before it is read again."""
        self._seen.forget(path)


def _stamp(path: str) -> _Stamp | None:
    """Return what differs when a file was written again, or None if there is none."""
    try:
        about = os.stat(path)  # noqa: PTH116  # thousands of files are looked at, and a Path takes longer
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


def damage(path: Path | str, file: DataFile, *, whole: bool = True) -> str:
    """Return what is wrong with a file, or nothing; the bytes between its ends count if `whole` and it is not large."""
    try:
        size = os.stat(path).st_size  # noqa: PTH116  # thousands of files are looked at, and a Path takes longer
        if size != file.bytes:
            return f"has {size} bytes instead of {file.bytes}"
        if whole and file.crc32 and size <= _WHOLE_BYTES:
            return "" if crc32(Path(path)) == file.crc32 else "is not what was written: its checksum differs"
        return "" if _has_ends(path, size) else "is not a Parquet file any more"
    except FileNotFoundError:
        return "is missing"
    except IsADirectoryError:
        return "is a folder"


def _has_ends(path: Path | str, size: int) -> bool:
    handle = os.open(path, os.O_RDONLY)
    try:
        ends = os.pread(handle, len(_MAGIC), 0), os.pread(handle, len(_MAGIC), max(size - len(_MAGIC), 0))
        return ends == (_MAGIC, _MAGIC)
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Have the file's or folder's bytes on the disk before anything says that they are."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_all(paths: Sequence[Path]) -> None:
    """Do so for many files, several at a time: a disk writes them together, in a tenth of the time."""
    if len(paths) > 1:
        with ThreadPoolExecutor(min(_AT_ONCE, len(paths))) as threads:
            list(threads.map(sync, paths))
    else:
        for path in paths:
            sync(path)


def crc32(path: Path) -> str:
    """Return the checksum of the file's bytes, eight hexadecimal digits."""
    checksum = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return f"{checksum:08x}"
