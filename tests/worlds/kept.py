"""Worlds that are made once in a process: who wants one that was made before gets a copy of its folder."""

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable, Hashable
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

T = TypeVar("T")

_MADE: dict[Hashable, tuple[Path, object]] = {}


def made_once(key: Hashable, root: Path, make: Callable[[], T]) -> T:
    """Have `make` fill the folder, or copy what it filled another with under this key; return what it returned.

    What `make` finds in the folder must be the same for the same key.
    """
    if key in _MADE:
        folder, value = _MADE[key]
        shutil.copytree(folder, root, dirs_exist_ok=True)
        return cast(T, value)
    found = make()
    folder = _folder() / str(len(_MADE))
    shutil.copytree(root, folder)
    _MADE[key] = folder, found
    return found


def contents(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what tells whether two folders have the same files, as copies of one another have."""
    states = ((path.relative_to(root), path.stat()) for path in sorted(root.rglob("*")) if path.is_file())
    return tuple((str(path), state.st_size, state.st_mtime_ns) for path, state in states)


@cache
def _folder() -> Path:
    folder, owner = tempfile.mkdtemp(prefix="worlds-"), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    return Path(folder)
