"""Says in a line what failed in a run and why, for whoever sees no more than that."""

from jetstream_argo.report.status import StatusReport
from jetstream_argo.terminal.plural import counted


def failures_line(report: StatusReport) -> str:
    """Return the nodes and metrics of a report that failed, each with its reason, in a line; empty if none did.

    Metrics that failed for the same reason are named together.
    """
    reasons: dict[str, dict[str, None]] = {}
    for failure in report.of_nodes:
        reasons.setdefault(failure.message or failure.error, {})[failure.node] = None
    for row in report.lacking:
        if row.message and row.message not in reasons:
            reasons.setdefault(row.message, {})
        if row.message:
            reasons[row.message][row.metric] = None
    metrics = {row.metric for row in report.lacking if row.message}
    text = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
    return f"{counted(len(metrics), 'metric')} failed: {text}" if metrics else text
