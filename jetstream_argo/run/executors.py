"""The protocol by which a run on this machine has its nodes done, and the executor that is this very process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias

# Does the node of an id, writes a line about it into a file, and returns the exit code.
Work: TypeAlias = Callable[[str, Path], int]


@dataclass(frozen=True, slots=True)
class Ended:
    """A node that has ended; `exit_code` is negative for a signal."""

    node: str
    exit_code: int


class Executor(Protocol):
    """Does nodes; a context, at whose end nothing of it is left."""

    def __enter__(self) -> Self:
        """Begin to take nodes."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End what still runs."""

    @property
    def are_busy(self) -> bool:
        """Whether no other node can begin before one has ended."""

    def begin(self, node: str, line: Path) -> None:
        """Begin a node, which writes a line about its work into the file."""

    def wait(self) -> Sequence[Ended]:
        """Wait until some node has ended, and return those that have; none if none was begun."""


class InThisProcess:
    """Does every node when it begins, where no other process can be started."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._ended: list[Ended] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.clear()

    @property
    def are_busy(self) -> bool:
        """Whether a node has ended that was not waited for yet."""
        return bool(self._ended)

    def begin(self, node: str, line: Path) -> None:
        """Do a node."""
        self._ended.append(Ended(node, self._work(node, line)))

    def wait(self) -> Sequence[Ended]:
        """Return what was done."""
        ended, self._ended = self._ended, []
        return ended
