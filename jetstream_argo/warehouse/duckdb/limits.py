"""Limits what a process takes of this machine, and stops a statement of DuckDB's that runs for too long."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jetstream_argo.errors import TooBig

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Limits:
    """How many MiB DuckDB may take, by default a share of what there is; where it spills to; how long a statement may
    run.
    """

    memory_mib: int | None = None
    spill: Path | None = None
    timeout_seconds: float = 3600.0


@contextmanager
def stopped_after(seconds: float, connection: "duckdb.DuckDBPyConnection") -> Iterator[None]:
    """Interrupt what `connection` runs inside, once `seconds` are over.

    Raises:
        TooBig: it was interrupted for that reason.
    """
    import duckdb

    watch = _Watch(connection)
    timer = threading.Timer(seconds, watch.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    except duckdb.InterruptException as error:
        if watch.has_fired:
            raise TooBig(
                f"a statement ran for longer than {seconds:g} seconds and was stopped; ask for fewer metrics or dates, "
                f"or allow it more in the warehouse's address, with timeout_seconds"
            ) from error
        raise
    finally:
        watch.end()
        timer.cancel()


class _Watch:
    """Interrupts a connection, unless what is watched has ended: the interrupt would hit the next statement."""

    def __init__(self, connection: "duckdb.DuckDBPyConnection") -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._ended = False
        self.has_fired = False

    def interrupt(self) -> None:
        with self._lock:
            if not self._ended:
                self.has_fired = True
                self._connection.interrupt()

    def end(self) -> None:
        with self._lock:
            self._ended = True
