"""What a person sees of Workflows in a cluster."""

from collections.abc import Sequence

from rich.console import Group
from rich.table import Table
from rich.text import Text

from jetstream_argo.argo.status import WorkflowStatus

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
    """Return a line for each Workflow, the latest date first."""
    table = Table()
    for heading in ("experiment", "as of", "phase", "progress", "workflow", "message"):
        table.add_column(heading)
    for status in sorted(statuses, key=lambda each: (each.as_of, each.experiment), reverse=True):
        phase = Text(status.phase, style=_STYLES.get(status.phase, ""))
        table.add_row(
            Text(status.experiment),
            Text(status.as_of),
            phase,
            Text(status.progress),
            Text(status.name),
            Text(status.message),
        )
    return table
