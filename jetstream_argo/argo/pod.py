"""Tells Argo about a pod's work: a line on the node, the same line as its output, and how far it is."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jetstream_argo.terminal.text import printable

TERMINATION_LOG = "JETSTREAM_TERMINATION_LOG"
RESULT = "JETSTREAM_RESULT"
PROGRESS = "ARGO_PROGRESS_FILE"  # set by Argo itself

_LONGEST_LINE = 2000  # bytes; Kubernetes cuts at 4096, and Argo keeps the line in the size-limited Workflow object
_LONGEST_RESULT = 500  # bytes; Argo keeps it twice, and shows the message of failures only
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class PodResult:
    """How a node's work ended: how many of its pieces it did, found done, and failed, with a reason for each."""

    done: int
    skipped: int
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def line(self) -> str:
        """The ending in a line, such as `partial: 18 of 20 done; failed: searches (no such column)`."""
        good = self.done + self.skipped
        total = good + len(self.failed)
        found = f" ({self.skipped} of them before)" if self.skipped else ""
        if not self.failed:
            return f"{good} of {total} done{found}"
        reasons = ", ".join(f"{_one_line(name)} ({_one_line(reason)})" for name, reason in self.failed)
        word = "partial" if good else "failed"
        return _cut(f"{word}: {good} of {total} done{found}; failed: {reasons}", _LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Pod:
    """The files through which Argo listens; None outside a pod, where nothing is written."""

    termination_log: Path | None = None
    result: Path | None = None
    progress: Path | None = None

    def reached(self, done: int, total: int) -> None:
        """Say that `done` of `total` pieces are done."""
        if self.progress is not None and total > 0:
            _write(self.progress, f"{done}/{total}")

    def say(self, line: str) -> None:
        """Say how the work ended, or why it did not, in a line."""
        if self.termination_log is not None:
            _write(self.termination_log, _one_line(line, _LONGEST_LINE))
        if self.result is not None:
            _write(self.result, _one_line(line, _LONGEST_RESULT))


def pod(environment: Mapping[str, str]) -> Pod:
    """Return the pod that the variables describe."""
    files = [Path(value) if (value := environment.get(name)) else None for name in (TERMINATION_LOG, RESULT, PROGRESS)]
    return Pod(*files)


def _write(path: Path, text: str) -> None:
    # Argo that cannot be told must not hide what is to be said: that is on standard error as well.
    with suppress(OSError):
        path.write_text(text, encoding="utf-8")


def _one_line(text: str, longest: int = _LONGEST_REASON) -> str:
    return _cut(printable(" ".join(text.split())), longest)


def _cut(text: str, longest: int) -> str:
    """Return at most `longest` bytes of `text`, never half a letter."""
    data = text.encode(errors="replace")
    return data.decode() if len(data) <= longest else data[: longest - 3].decode(errors="ignore") + "…"
