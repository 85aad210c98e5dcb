"""Folders for the temporary files of sessions: one each, removed at its end, or by others when it was killed.

DuckDB spills to it what does not fit into memory, and the tables of one process alone are in it. A session holds a lock
on a file beside its folder for as long as it lives: when the lock can be had, nobody is at the folder any more.
"""

import fcntl
import os
import shutil
import weakref
from contextlib import suppress
from io import BufferedRandom
from pathlib import Path

_PREFIX, _LOCK = "jetstream-argo-", ".lock"


class SpillFolder:
    """The folder of one session in `parent`, which is made when there is something to put into it."""

    def __init__(self, parent: Path, nonce: str) -> None:
        self.path = parent / f"{_PREFIX}{nonce}"
        self._parent = parent
        self._is_held = False

    def hold(self) -> None:
        """Keep others from removing the folder while this object lives; the folder goes with it."""
        lock = self.path.with_name(f"{self.path.name}{_LOCK}")
        self._parent.mkdir(parents=True, exist_ok=True)
        while not self._is_held:
            file = lock.open("xb+")
            fcntl.flock(file, fcntl.LOCK_EX)
            if lock.exists():  # nobody took it for a dead session's before it was locked
                self._is_held = True
                weakref.finalize(self, _release, self.path, lock, file, os.getpid())
            else:
                file.close()

    def remove_dead(self) -> None:
        """Remove the folders beside this one of sessions that died."""
        for lock in self._parent.glob(f"{_PREFIX}*{_LOCK}"):
            # Held, another user's, or gone by now. Who makes a folder meanwhile waits for the lock, and finds it gone.
            with suppress(OSError), lock.open("rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_name(lock.name.removesuffix(_LOCK)), ignore_errors=True)
                lock.unlink()


def _release(folder: Path, lock: Path, file: BufferedRandom, process: int) -> None:
    if os.getpid() == process:  # and not a fork of it
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
    file.close()
