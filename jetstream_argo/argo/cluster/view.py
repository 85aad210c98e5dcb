"""Tables and lines about Workflows in a cluster, for people."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from jetstream_argo.argo.cluster.status import WorkflowStatus

_STYLES = {
    "Succeeded": "green",
    "Failed": "red",
    "Error": "red",
    "Running": "cyan",
    "Omitted": "yellow",
    "Pending": "dim",
}
_SILENT = ("Succeeded", "Omitted")


def shown(status: WorkflowStatus) -> Group:
    """Return a Workflow's phase and counts, and each node that runs, waits or failed, with what it said."""
    counts = ", ".join(f"{count} {phase.lower()}" for phase, count in sorted(status.counts.items()))
    table = Table()
    for heading in ("node", "phase", "progress", "message"):
        table.add_column(heading)
    for node in status.nodes:
        if node.phase not in _SILENT:
            phase = Text(node.phase, style=_STYLES.get(node.phase, ""))
            table.add_row(Text(node.display_name), phase, Text(node.progress), Text(node.message))
    head = Text(f"{status.name}: {status.phase}", style=_STYLES.get(status.phase, ""))
    message = [Text(status.message)] if status.message else []
    return Group(head, *message, *([table] if table.row_count else []), Text(counts))


def listed(statuses: Sequence[WorkflowStatus]) -> Table:
    """Return a line for each Workflow, the latest date first, and below it what Argo says of it."""
    table = Table(box=None, pad_edge=False)
    table.add_column("workflow", overflow="fold")  # whole: it is what the other commands want
    table.add_column("phase", no_wrap=True)
    table.add_column("progress", no_wrap=True)
    for status in sorted(statuses, key=lambda status: (status.as_of, status.experiment), reverse=True):
        name = Text(status.name)
        if status.message:
            name.append(f"\n  {status.message}", style="dim")
        table.add_row(name, Text(status.phase, style=_STYLES.get(status.phase, "")), Text(status.progress))
    return table
