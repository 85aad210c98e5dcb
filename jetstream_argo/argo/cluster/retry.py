"""Retries a Workflow that ended with failures from where it failed, as `argo retry` does."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from jetstream_argo.argo.cluster.status import GROUPS, WorkflowNode, WorkflowStatus, nodes_of, raw_nodes, status_of
from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.errors import PlanError

_COMPLETED = "workflows.argoproj.io/completed"
_ARCHIVING = "workflows.argoproj.io/workflow-archiving-status"
_PHASE = "workflows.argoproj.io/phase"
_SETTLES = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class Retried:
    """A Workflow to put in the place of the one that failed, and the nodes whose pods are to be deleted."""

    workflow: Document
    deleted: tuple[str, ...]


def seconds_until_settled(status: WorkflowStatus, now: datetime) -> float:
    """Return for how long a Workflow that has ended must not be changed yet.

    Argo's controller is busy with it for a second more, and forgets it if it runs again before: it then stays Running,
    without any pod, until something else happens to it. Seen with 4.0.5, whose throttler removes it after adding it.
    """
    if not status.finished_at:
        return 0.0
    return max(0.0, _SETTLES - (now - datetime.fromisoformat(status.finished_at)).total_seconds())


def retried(workflow: Document, *, now: str) -> Retried:
    """Return a finished Workflow with all that did not succeed, and publishing, set back to be run again.

    `now` is the time in RFC 3339. The plan stays what it was.

    Raises:
        PlanError: it is still running, or has succeeded.

    Source:
        FormulateRetryWorkflow in workflow/util/util.go of argo-workflows 4.1, for graphs whose edges are strict: there
        no failed node has a descendant that succeeded.
    """
    status = status_of(workflow)
    if status.phase not in ("Failed", "Error"):
        what = "has succeeded: there is nothing to retry" if status.is_over else "is still running; wait for its end"
        raise PlanError(f"{status.name}: {what}")
    nodes = nodes_of(workflow)
    reset, deleted = _affected(nodes, status.name)
    raw = raw_nodes(workflow)
    kept: dict[str, object] = {}
    for id, node in raw.items():
        if id in deleted:
            continue
        kept[id] = _without(_running(node, now) if id in reset else node, deleted)
    changed = copy.deepcopy(dict(workflow))
    _reopen(changed, kept, deleted, now)
    return Retried(changed, tuple(id for id in nodes if id in deleted))


def _affected(nodes: Mapping[str, WorkflowNode], workflow: str) -> tuple[set[str], set[str]]:
    """Return the nodes to set back to running, and those to forget: failed pods, what was omitted, and onExit.

    An attempt that failed before one that succeeded stays.
    """
    settled = {child for node in nodes.values() if node.phase == "Succeeded" for child in _attempts(node, nodes)}
    reset: set[str] = set()
    deleted: set[str] = set()
    for id, node in nodes.items():
        if node.name.split("(")[0] == f"{workflow}.onExit":
            deleted.add(id)
        elif node.phase != "Succeeded" and id not in settled:
            (reset if node.type in (*GROUPS, "Retry") else deleted).add(id)
    # A graph that goes on after a failure has succeeded, with what failed inside it.
    inside = [nodes[id].name for id in reset | deleted if f"{workflow}.onExit" not in nodes[id].name]
    reset |= {
        id
        for id, node in nodes.items()
        if node.type in GROUPS and any(name.startswith(f"{node.name}.") for name in inside)
    }
    return reset, deleted


def _attempts(node: WorkflowNode, nodes: Mapping[str, WorkflowNode]) -> tuple[str, ...]:
    return tuple(child for child in node.children if child in nodes) if node.type == "Retry" else ()


def _running(node: Mapping[str, object], now: str) -> dict[str, object]:
    ended = ("message", "finishedAt", "outputs", "outboundNodes")
    kept = {key: value for key, value in node.items() if key not in ended}
    return {**kept, "phase": "Running", "startedAt": now, "finishedAt": None}


def _without(node: Mapping[str, object], deleted: set[str]) -> dict[str, object]:
    children = node.get("children")
    if not isinstance(children, list):
        return dict(node)
    return {**node, "children": [child for child in children if child not in deleted]}


def _reopen(workflow: dict[str, object], nodes: Mapping[str, object], deleted: set[str], now: str) -> None:
    """Take from a Workflow all that says it has ended."""
    metadata, spec, status = workflow["metadata"], workflow["spec"], workflow["status"]
    assert isinstance(metadata, dict)
    assert isinstance(spec, dict)
    assert isinstance(status, dict)
    labels = metadata.setdefault("labels", {})
    labels.pop(_COMPLETED, None)
    labels.pop(_ARCHIVING, None)
    labels[_PHASE] = "Running"
    spec.pop("shutdown", None)
    conditions = [condition for condition in status.get("conditions") or [] if condition.get("type") != "Completed"]
    results = status.get("taskResultsCompletionStatus") or {}
    status.pop("compressedNodes", None)
    status.pop("message", None)
    status |= {
        "phase": "Running",
        "startedAt": now,
        "finishedAt": None,
        "nodes": dict(nodes),
        "conditions": [*conditions, {"type": "Completed", "status": "False"}],
        "taskResultsCompletionStatus": {id: value for id, value in results.items() if id not in deleted},
    }
