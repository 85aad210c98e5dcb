"""Shows the progress of a workflow that runs here."""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.live import Live
from rich.table import Table
from rich.text import Text

from jetstream_argo.dag.model import Dag, Node
from jetstream_argo.run.local import DagRun, NodeRun, NodeState, Watch
from jetstream_argo.terminal.console import EscapingConsole

_MARKS = {
    NodeState.SUCCEEDED: ("✔", "green"),
    NodeState.FAILED: ("✖", "red"),
    NodeState.OMITTED: ("○", "yellow"),
    NodeState.RUNNING: ("●", "cyan"),
}


@contextmanager
def shown(dag: Dag, console: EscapingConsole) -> Iterator[Watch]:
    """Show what runs now and how far everything is, live on a terminal; elsewhere a line for each node that ends."""
    view = _ProgressView(dag)
    if not console.is_terminal:
        yield lambda run: _print(console, run)
        return
    with Live(view.render(), console=console, refresh_per_second=8, transient=True, get_renderable=view.render) as live:

        def watch(run: NodeRun) -> None:
            view.take(run)
            if run.state is NodeState.FAILED:
                _print(console, run)
            live.refresh()

        yield watch


class _ProgressView:
    def __init__(self, dag: Dag) -> None:
        self._nodes: Sequence[Node] = (*dag.nodes, dag.last)
        self._states = {node.id: NodeState.WAITING for node in self._nodes}
        self._started: dict[str, float] = {}

    def take(self, run: NodeRun) -> None:
        self._states[run.node.id] = run.state
        if run.state is NodeState.RUNNING:
            self._started[run.node.id] = time.monotonic()

    def render(self) -> Table:
        counts = Counter(self._states.values())
        done = len(self._nodes) - counts[NodeState.WAITING] - counts[NodeState.RUNNING]
        table = Table.grid(padding=(0, 1))
        for id, state in self._states.items():
            if state is NodeState.RUNNING:
                table.add_row(Text(*_MARKS[state]), id, f"{time.monotonic() - self._started[id]:.0f} s")
        failed = f", {counts[NodeState.FAILED]} failed" if counts[NodeState.FAILED] else ""
        table.add_row("", f"{done} of {len(self._nodes)} nodes{failed}", "")
        return table


def _print(console: EscapingConsole, run: NodeRun) -> None:
    if run.state is not NodeState.RUNNING:
        took = (f"{run.seconds:.1f} s", "dim")
        console.print(Text.assemble(_MARKS[run.state], f" {run.node.id} ", took, "  ", run.line))


def summary(result: DagRun) -> str:
    """Return a line on how it went."""
    states = Counter(run.state for run in result.nodes)
    idle = sum(run.line.startswith(("up to date", "cached")) for run in result.nodes)
    parts = [f"{states[state]} {state}" for state in NodeState if states[state]]
    if idle and not states[NodeState.FAILED] and idle >= len(result.nodes) - 1:
        return f"nothing to do: all {len(result.nodes)} nodes are up to date"
    return f"{len(result.nodes)} nodes: {', '.join(parts)}; {idle} had nothing to do"
