"""Draws a workflow's nodes and edges as a Mermaid flowchart, which GitHub and many editors show."""

from jetstream_argo.dag.model import (
    CountsTask,
    Dag,
    EnrollmentsTask,
    ExportTask,
    Node,
    SignalTask,
    SourceTask,
    StatisticsTask,
)

_STYLES = (
    "classDef units fill:#e8eef7,stroke:#4a6fa5",
    "classDef source fill:#eaf4ea,stroke:#4d8a4d",
    "classDef statistics fill:#fdf3e1,stroke:#b07d2b",
    "classDef last fill:#f2f2f2,stroke:#777777,stroke-dasharray:4 3",
)


def mermaid(dag: Dag) -> str:
    """Return `dag` as a flowchart from left to right; `last` stands apart, for it waits for no success.

    Nodes are numbered: Mermaid reads some words, such as `end`, as its own.
    """
    numbers = {node.id: f"n{number}" for number, node in enumerate((*dag.nodes, dag.last))}
    lines = ["flowchart LR"]
    lines += [f'  {numbers[node.id]}["{_label(node)}"]:::{kind(node)}' for node in (*dag.nodes, dag.last)]
    lines += [
        f"  {numbers[dependency]} --> {numbers[node.id]}" for node in dag.nodes for dependency in node.dependencies
    ]
    lines += [f"  {style}" for style in _STYLES]
    return "\n".join(lines) + "\n"


def kind(node: Node) -> str:
    """Return the family of a node's task, by which drawings colour it."""
    match node.task:
        case EnrollmentsTask() | SignalTask() | CountsTask():
            return "units"
        case SourceTask():
            return "source"
        case StatisticsTask():
            return "statistics"
        case ExportTask():
            return "last"


def size(node: Node) -> int:
    """Return how many metrics a node estimates; 0 for a node that estimates none."""
    return len(node.task.metrics) if isinstance(node.task, StatisticsTask) else 0


def _label(node: Node) -> str:
    batched = f"<br/>{size(node)} metrics" if size(node) > 1 else ""
    return f"{node.id}{batched}"
