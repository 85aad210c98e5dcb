"""The nodes of the workflow: what each does, and which it waits for."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from jetstream_argo.config.periods import Period


class Stage(StrEnum):
    """The steps of one data source, in order. PRE and DAY read telemetry; the others merge what was read."""

    PRE = "pre"
    DAY = "day"
    WEEK = "week"
    DAYS28 = "days28"
    OVERALL = "overall"

    @property
    def periods(self) -> tuple[Period, ...]:
        """The periods whose values this stage computes."""
        return tuple(period for period in Period if period.stage == self.value)


@dataclass(frozen=True, slots=True)
class EnrollmentsTask:
    """Find the enrolled units, with their segments and exposures."""


@dataclass(frozen=True, slots=True)
class SignalTask:
    """Count the exposure signal's rows per unit and date."""


@dataclass(frozen=True, slots=True)
class CountsTask:
    """Count the units of every branch, segment, basis and window."""


@dataclass(frozen=True, slots=True)
class SourceTask:
    """Read a source's daily partials, where the stage reads, and compute the values of the stage's periods."""

    source: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class StatisticsTask:
    """Estimate the statistics of these metrics in one period; each metric succeeds or fails by itself."""

    period: Period
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExportTask:
    """Publish views and files of what is there. Runs after everything else, whether it succeeded or not."""


Task: TypeAlias = EnrollmentsTask | SignalTask | CountsTask | SourceTask | StatisticsTask | ExportTask


@dataclass(frozen=True, slots=True)
class Node:
    """A task with the ids of the nodes that must have succeeded before. `metrics` are those that need this node."""

    id: str
    task: Task
    dependencies: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dag:
    """The nodes in an order in which they can run, and `last`, which runs whatever became of them."""

    nodes: tuple[Node, ...]
    last: Node

    def node(self, id: str) -> Node:
        """Return the node with this id; KeyError if there is none."""
        return {node.id: node for node in (*self.nodes, self.last)}[id]
