"""Reads where a Workflow in a cluster is: its phase, its nodes and their messages."""

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.errors import EngineError

GROUPS = ("DAG",)  # types of nodes that hold others: the Workflow's own, and the graph within it
_EITHER_HEADER = 47  # zlib's wbits for 'a zlib or a gzip header, whichever is there'


class _ArgoModel(BaseModel):
    """What Argo writes; fields that are not needed here are passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)


class _Lock(_ArgoModel):
    """The lock that a node waits for; empty where it waits for none."""

    waiting: str = ""


class _Outputs(_ArgoModel):
    """What a pod left; `exit_code` is empty where it has none."""

    exit_code: str = ""


class WorkflowNode(_ArgoModel):
    """A node of a Workflow, as Argo keeps it."""

    id: str
    name: str
    display_name: str
    type: str
    phase: str = "Pending"
    message: str = ""
    progress: str = ""
    children: tuple[str, ...] = ()
    outbound_nodes: tuple[str, ...] = ()
    outputs: _Outputs = _Outputs()
    lock: _Lock = Field(default=_Lock(), alias="synchronizationStatus")


class _Status(_ArgoModel):
    phase: str = "Pending"
    message: str = ""
    progress: str = ""
    started_at: str | None = None
    finished_at: str | None = None
    nodes: dict[str, WorkflowNode] = Field(default_factory=dict)
    compressed_nodes: str = ""
    offload_node_status_version: str = ""


class _Metadata(_ArgoModel):
    name: str
    labels: dict[str, str] = Field(default_factory=dict)


class _Workflow(_ArgoModel):
    metadata: _Metadata
    status: _Status = _Status()


@dataclass(frozen=True, slots=True)
class WorkflowStatus:
    """Where a Workflow is. `nodes` are its tasks and the one of onExit, without their attempts and groups.

    `message` is Argo's word on the Workflow, or what a group of its nodes waits for; `finished_at` is in RFC 3339,
    empty while it runs.
    """

    name: str
    experiment: str
    as_of: str
    phase: str
    message: str
    progress: str
    nodes: tuple[WorkflowNode, ...]
    finished_at: str = ""

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more by itself."""
        return self.phase in ("Succeeded", "Failed", "Error")

    @property
    def counts(self) -> Mapping[str, int]:
        """How many nodes are in each phase."""
        counts: dict[str, int] = {}
        for node in self.nodes:
            counts[node.phase] = counts.get(node.phase, 0) + 1
        return counts


def status_of(workflow: Document) -> WorkflowStatus:
    """Return where a Workflow is.

    Raises:
        EngineError: its nodes are kept in Argo's database.
    """
    read = _Workflow.model_validate(workflow)
    nodes = nodes_of(workflow)
    attempts = {child for node in nodes.values() if node.type == "Retry" for child in node.children}
    tasks = (
        _with_reason(node, nodes) for node in nodes.values() if node.id not in attempts and node.type not in GROUPS
    )
    return WorkflowStatus(
        name=read.metadata.name,
        experiment=read.metadata.labels.get("jetstream-argo/experiment", ""),
        as_of=read.metadata.labels.get("jetstream-argo/as-of", ""),
        phase=read.status.phase,
        message=read.status.message or _awaited(nodes),
        progress=read.status.progress,
        nodes=tuple(sorted(tasks, key=lambda node: node.name)),
        finished_at=read.status.finished_at or "",
    )


def _awaited(nodes: Mapping[str, WorkflowNode]) -> str:
    """Return what a group waits for: the experiment's turn, or a slot among all experiments."""
    groups = (node for node in nodes.values() if node.type in GROUPS and node.lock.waiting)
    return next((node.message or f"Waiting for {node.lock.waiting}" for node in groups), "")


def _with_reason(node: WorkflowNode, nodes: Mapping[str, WorkflowNode]) -> WorkflowNode:
    """Give a task that failed the message of its last attempt; its own says only that there was no further one."""
    if node.type != "Retry" or node.phase not in ("Failed", "Error"):
        return node
    messages = [nodes[child].message for child in node.children if child in nodes and nodes[child].message]
    return node.model_copy(update={"message": messages[-1]}) if messages else node


def nodes_of(workflow: Document) -> Mapping[str, WorkflowNode]:
    """Return all nodes by their id, attempts and groups included.

    Raises:
        EngineError: they are kept in Argo's database.
    """
    return {id: WorkflowNode.model_validate(node) for id, node in raw_nodes(workflow).items()}


def raw_nodes(workflow: Document) -> dict[str, dict[str, object]]:
    """Return all nodes as Argo wrote them.

    Raises:
        EngineError: they are kept in Argo's database.
    """
    status = workflow.get("status") or {}
    assert isinstance(status, dict)  # every object's is
    if status.get("offloadNodeStatusVersion"):
        metadata = workflow["metadata"]
        raise EngineError(f"{metadata}: its nodes are in Argo's database; use the argo command or its UI")
    if packed := status.get("compressedNodes"):
        nodes: dict[str, dict[str, object]] = json.loads(zlib.decompress(base64.b64decode(packed), _EITHER_HEADER))
        return nodes
    return dict(status.get("nodes") or {})
