"""Stops a running query when the process is told to end."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from jetstream_argo.errors import EXIT_RETRY


@contextmanager
def ending_on_sigterm() -> Iterator[None]:
    """Make SIGTERM raise `SystemExit(75)` in the main thread, where it interrupts whatever is being waited for.

    An engine cancels the job it waits for when anything is raised there. Only the first signal counts: another must
    not interrupt the cancelling. To be entered in the main thread.
    """

    def end(signal_number: int, _: FrameType | None) -> None:
        signal.signal(signal_number, signal.SIG_IGN)
        raise SystemExit(EXIT_RETRY)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
