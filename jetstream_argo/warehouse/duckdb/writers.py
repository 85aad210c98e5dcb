"""Tells which writer a file belongs to, and whether that writer is still at work.

A writer is an engine in a process. It holds a lock on a file of its own for as long as it lives, and the names of its
files begin with its own: when the lock can be had, what it has staged was left by a writer that died.
"""

import fcntl
import os
import weakref
from collections.abc import Callable
from io import BufferedRandom
from pathlib import Path

_LENGTH = 16
_NAMED = 3  # writer, file, suffix


class Writers:
    """The writers of a warehouse. This one's lock is taken when its name is first asked for."""

    def __init__(self, folder: Path, nonce: Callable[[], str]) -> None:
        self._folder = folder
        self._nonce = nonce
        self._own = ""

    @property
    def own(self) -> str:
        """The name of this writer."""
        while not self._own:
            self._folder.mkdir(parents=True, exist_ok=True)
            name = self._nonce()[:_LENGTH]
            path = self._folder / f"{name}.lock"
            lock = path.open("xb+")
            fcntl.flock(lock, fcntl.LOCK_EX)
            if path.exists():  # nobody took it for a dead writer's before it was locked
                self._own = name
                weakref.finalize(self, _release, path, lock, os.getpid())
        return self._own

    def file(self) -> str:
        """Return the stem of a file of this writer, which no other file has."""
        return f"{self.own}.{self._nonce()}"

    def is_at_work(self, writer: str) -> bool:
        """Return whether the writer lives, be it this one."""
        return writer == self._own or is_locked(self._folder / f"{writer}.lock")

    def forget_dead(self) -> None:
        """Remove the lock files of writers that died."""
        for path in self._folder.glob("*.lock"):
            if not self.is_at_work(path.stem):
                path.unlink(missing_ok=True)


def writer_of(file: str) -> str | None:
    """Return the writer that named the file, or None if it was made when writers did not yet have names."""
    parts = file.removeprefix(".").split(".")
    return parts[0] if len(parts) >= _NAMED else None


def is_locked(path: Path) -> bool:
    """Return whether somebody holds the lock on a file; on one that is not there nobody does."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


def _release(path: Path, lock: BufferedRandom, process: int) -> None:
    if os.getpid() == process:  # and not a fork of it
        path.unlink(missing_ok=True)
    lock.close()
