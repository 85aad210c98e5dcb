"""Leases that end with the process that holds them: locks on a file of the warehouse's folder."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedRandom
from pathlib import Path

from jetstream_argo.errors import Conflict
from jetstream_argo.warehouse.duckdb.writers import is_locked

_PAUSE_SECONDS = 0.05


class FileLeases:
    """The leases of a warehouse. Beside the lock lies a note of every holder, which it keeps locked, too."""

    def __init__(self, folder: Path, nonce: Callable[[], str]) -> None:
        self._folder = folder
        self._nonce = nonce

    @contextmanager
    def held(self, name: str, *, exclusive: bool, holder: str, wait_seconds: float) -> Iterator[None]:
        """Hold the lease, alone or with others.

        Raises:
            Conflict: others hold it in a way that excludes this holder, and did so for `wait_seconds`.
        """
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        until = time.monotonic() + wait_seconds
        with (folder / "lock").open("ab+") as lock:
            while not _taken(lock, exclusive=exclusive):
                if time.monotonic() >= until:
                    raise Conflict(
                        f"{name} is held by {_holders(folder)}; run this again when that has ended, or let it wait"
                    )
                time.sleep(min(_PAUSE_SECONDS, max(until - time.monotonic(), 0)))
            for left in folder.glob("*.holder") if exclusive else ():
                left.unlink(missing_ok=True)
            with self._noted(folder, holder):
                yield

    @contextmanager
    def _noted(self, folder: Path, holder: str) -> Iterator[None]:
        path = folder / f"{self._nonce()}.holder"
        with path.open("xb") as note:
            fcntl.flock(note, fcntl.LOCK_EX)
            note.write(holder.encode())
            note.flush()
            try:
                yield
            finally:
                path.unlink(missing_ok=True)


def _taken(lock: BufferedRandom, *, exclusive: bool) -> bool:
    try:
        fcntl.flock(lock, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holders(folder: Path) -> str:
    """Return who holds the lease now, as far as notes tell."""
    names = []
    for path in sorted(folder.glob("*.holder")):
        if is_locked(path):
            try:
                names.append(path.read_text())
            except FileNotFoundError:  # it has just ended
                continue
    return ", ".join(sorted(filter(None, names))) or "another process"
