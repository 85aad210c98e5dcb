"""Creates, reads and changes objects in a Kubernetes cluster."""

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from kubernetes import client

from jetstream_argo.argo.cluster.connection import connected
from jetstream_argo.argo.manifest.documents import Document, documents_in
from jetstream_argo.errors import Conflict

_GROUP, _VERSION, _WORKFLOWS = "argoproj.io", "v1alpha1", "workflows"
_NODE = "workflows.argoproj.io/node-id"
_WORKFLOW = "workflows.argoproj.io/workflow"


class Cluster(Protocol):
    """A namespace of a cluster."""

    namespace: str

    def create(self, document: Document) -> bool:
        """Create a Workflow or ConfigMap; return False if one of that name exists."""

    def workflow(self, name: str) -> Document:
        """Return a Workflow; NotFound if there is none."""

    def workflows(self, selector: str) -> tuple[Document, ...]:
        """Return the Workflows whose labels the selector takes."""

    def replace(self, workflow: Document) -> None:
        """Put a changed Workflow in its place; Conflict if it has changed since it was read."""

    def own(self, config_map: str, workflow: Document) -> None:
        """Let a ConfigMap be deleted together with the last Workflow that owns it."""

    def delete_pods(self, workflow: str, nodes: Iterable[str]) -> None:
        """Delete the pods of these nodes, known by their ids."""


class KubernetesCluster:
    """The cluster that this process runs in, or the one that a kubeconfig names.

    Raises, by all methods:
        AccessDenied, NotFound, Conflict, Transient, EngineError: the cluster says so, or does not answer.
    """

    def __init__(self, *, namespace: str = "", kubeconfig: str | None = None, context: str | None = None) -> None:
        connection = connected(namespace=namespace, kubeconfig=kubeconfig, context=context)
        self.namespace = connection.namespace
        self._call = connection.call
        self._objects = client.CustomObjectsApi(connection.api)
        self._core = client.CoreV1Api(connection.api)

    def create(self, document: Document) -> bool:
        """Create a Workflow or ConfigMap; return False if one of that name exists."""
        try:
            if document["kind"] == "ConfigMap":
                self._call(self._core.create_namespaced_config_map, self.namespace, dict(document))
            else:
                self._custom(self._objects.create_namespaced_custom_object, dict(document))
        except Conflict:
            return False
        return True

    def workflow(self, name: str) -> Document:
        """Return a Workflow; NotFound if there is none."""
        return self._custom(self._objects.get_namespaced_custom_object, name)

    def workflows(self, selector: str) -> tuple[Document, ...]:
        """Return the Workflows whose labels the selector takes."""
        found: list[Document] = []
        page = ""
        while True:
            answer = self._call(
                self._objects.list_namespaced_custom_object,
                _GROUP,
                _VERSION,
                self.namespace,
                _WORKFLOWS,
                label_selector=selector,
                limit=100,
                _continue=page,
            )
            found += documents_in(answer["items"])
            page = str(_metadata(answer).get("continue") or "")
            if not page:
                return tuple(found)

    def replace(self, workflow: Document) -> None:
        """Put a changed Workflow in its place; Conflict if it has changed since it was read."""
        name = _metadata(workflow)["name"]
        self._custom(self._objects.replace_namespaced_custom_object, name, dict(workflow))

    def own(self, config_map: str, workflow: Document) -> None:
        """Let a ConfigMap be deleted together with the last Workflow that owns it."""
        found = _metadata(self._call(self._core.read_namespaced_config_map, config_map, self.namespace))
        owners = [dict(reference) for reference in documents_in(found.get("ownerReferences"))]
        metadata = _metadata(workflow)
        owner = _owner(metadata)
        if owner["uid"] not in [reference["uid"] for reference in owners]:
            patch = {"metadata": {"ownerReferences": [*owners, owner]}}
            self._call(self._core.patch_namespaced_config_map, config_map, self.namespace, patch)

    def delete_pods(self, workflow: str, nodes: Iterable[str]) -> None:
        """Delete the pods of these nodes, known by their ids."""
        wanted = set(nodes)
        selector = f"{_WORKFLOW}={workflow}"
        pods = self._call(self._core.list_namespaced_pod, self.namespace, label_selector=selector)
        for pod in documents_in(pods["items"]):
            metadata = _metadata(pod)
            annotations = metadata.get("annotations")
            if isinstance(annotations, dict) and annotations.get(_NODE) in wanted:
                self._call(self._core.delete_namespaced_pod, metadata["name"], self.namespace)

    def _custom(self, method: Callable[..., object], *arguments: object) -> Document:
        return self._call(method, _GROUP, _VERSION, self.namespace, _WORKFLOWS, *arguments)


def _owner(workflow: Mapping[str, object]) -> Mapping[str, object]:
    return {
        "apiVersion": f"{_GROUP}/{_VERSION}",
        "kind": "Workflow",
        "name": workflow["name"],
        "uid": workflow["uid"],
    }


def _metadata(document: Document) -> Mapping[str, object]:
    metadata = document["metadata"]
    assert isinstance(metadata, dict)  # every object of Kubernetes has it
    return metadata
