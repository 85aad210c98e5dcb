"""Shares the memory of this machine, or of the container, out to the processes that run DuckDB."""

import os
from collections.abc import Iterator
from pathlib import Path

MIB = 1 << 20
MOST_MIB = 1536  # with Python, its libraries and the answers of queries, a process has 2 GB
LEAST_MIB = 96  # with less DuckDB refuses what is small
_UNLIMITED = 1 << 60  # how version 1 of cgroups says that there is no limit: a number above all memory


def budget_mib(*, processes: int = 1, root: Path = Path("/")) -> int:
    """Return how many MiB DuckDB may take in each of so many processes that share what there is.

    Half of what there is, as a process has more in it than DuckDB, and not more than `MOST_MIB`. What does not fit is
    spilled to disk; what cannot be spilled is too big for a query, and is asked for in portions.
    """
    return max(LEAST_MIB, min(MOST_MIB, available_bytes(root) // (2 * processes * MIB)))


def available_bytes(root: Path = Path("/")) -> int:
    """Return the memory of this machine, or of the container or unit that this process is in.

    `root` is where the file system of the machine is.
    """
    return min(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"), *_limits(root), _UNLIMITED)


def _limits(root: Path) -> Iterator[int]:
    """Yield the limits of the control groups that this process is in, and of those around them."""
    groups = root / "sys/fs/cgroup"
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        folder, name = (groups / controllers, "memory.limit_in_bytes") if controllers else (groups, "memory.max")
        inside = Path(path.lstrip("/"))
        for part in (inside, *inside.parents):
            text = _read(folder / part / name).strip()
            if text.isdecimal():
                yield int(text)


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:  # another system, or a group of which only the inside is seen
        return ""
