"""Keeps a node from leaving anything behind in its process for the next one."""

import gc
import logging
import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_WINDING_DOWN_SECONDS = 1.0  # of threads that were told to end, such as timers that were cancelled


@contextmanager
def isolated() -> Iterator[None]:
    """Have the environment, the working directory and the logging afterwards as they were before."""
    environment, folder = dict(os.environ), os.open(".", os.O_RDONLY)
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        os.fchdir(folder)
        os.close(folder)
        root.handlers[:] = handlers
        root.setLevel(level)


def leaves_a_clean_process(most_bytes: int) -> bool:
    """Free what nothing refers to; return whether no thread goes on, and not more than `most_bytes` are kept."""
    gc.collect()
    for thread in threading.enumerate():
        if thread is not threading.current_thread():
            thread.join(_WINDING_DOWN_SECONDS)
    return threading.active_count() == 1 and memory_kept() <= most_bytes


def memory_kept() -> int:
    """Return how many bytes of memory this process has now or, where nothing tells, the most that it ever had."""
    pages = Path("/proc/self/statm")
    if pages.exists():
        return int(pages.read_text().split()[1]) * resource.getpagesize()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024  # elsewhere it is in KiB
