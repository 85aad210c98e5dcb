"""Orders the nodes that can start: those at the head of the longest path come first."""

from collections.abc import Mapping

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import Dag, SourceTask, Stage, StatisticsTask, Task

# About how much longer than others these take: they read telemetry, or have a window for every day.
_LONG = 3


def path_lengths(dag: Dag) -> Mapping[str, int]:
    """Return the length of the longest path that begins with each node; the last node is part of no path.

    A path's length is the sum of rough costs of its nodes: good for an order, and for nothing else.
    """
    lengths = {node.id: _cost(node.task) for node in dag.nodes}
    for node in reversed(dag.nodes):  # what needs a node comes after it
        for dependency in node.dependencies:
            lengths[dependency] = max(lengths[dependency], _cost(dag.node(dependency).task) + lengths[node.id])
    return lengths


def _cost(task: Task) -> int:
    match task:
        case SourceTask(stage=Stage.PRE | Stage.DAY) | StatisticsTask(period=Period.DAY):
            return _LONG
        case _:
            return 1
