"""Looks up the cluster around the Workflows: its clock, Argo, this account's rights, the limits."""

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

from kubernetes import client

from jetstream_argo.argo.cluster.connection import connected
from jetstream_argo.argo.manifest.documents import Document, documents_in
from jetstream_argo.errors import EngineError

_GROUP, _VERSION = "argoproj.io", "v1alpha1"
_CONTROLLER = "workflow-controller"


class Surroundings(Protocol):
    """What a namespace's cluster tells about itself; every method raises an `EngineError`."""

    namespace: str

    def date(self) -> datetime:
        """Return the time by the cluster's clock, to the second."""

    def argo_resources(self) -> tuple[str, ...]:
        """Return the names of the resources that Argo has brought, such as `workflows`; NotFound without any."""

    def controller_image(self, namespace: str) -> str:
        """Return the image of Argo's controller, which is installed in a namespace of its own."""

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Return whether this account may do that to a resource, or `resource/subresource`, of the namespace."""

    def config_map(self, name: str) -> Mapping[str, str]:
        """Return the data of a ConfigMap."""


class KubernetesSurroundings:
    """The cluster that this process runs in, or the one that a kubeconfig names."""

    def __init__(self, *, namespace: str = "", kubeconfig: str | None = None, context: str | None = None) -> None:
        self._connection = connected(namespace=namespace, kubeconfig=kubeconfig, context=context)
        self.namespace = self._connection.namespace

    def date(self) -> datetime:
        """Return the time by the cluster's clock, to the second."""
        answer = self._connection.ask(client.VersionApi(self._connection.api).get_code_with_http_info)
        assert isinstance(answer, tuple)  # of the version, the status and the headers
        headers = {str(name).lower(): str(value) for name, value in answer[2].items()}
        try:
            return parsedate_to_datetime(headers["date"])
        except (KeyError, ValueError) as error:
            raise EngineError("cluster: its answers have no Date by which to compare clocks") from error

    def argo_resources(self) -> tuple[str, ...]:
        """Return the names of the resources that Argo has brought, such as `workflows`; NotFound without any."""
        objects = client.CustomObjectsApi(self._connection.api)
        found = self._connection.call(objects.get_api_resources, _GROUP, _VERSION)
        return tuple(str(resource["name"]) for resource in documents_in(found["resources"]))

    def controller_image(self, namespace: str) -> str:
        """Return the image of Argo's controller, which is installed in a namespace of its own."""
        apps = client.AppsV1Api(self._connection.api)
        found = self._connection.call(apps.read_namespaced_deployment, _CONTROLLER, namespace)
        spec: Document = found
        for key in ("spec", "template", "spec"):
            inner = spec[key]
            assert isinstance(inner, dict)  # every Deployment has it
            spec = inner
        return str(documents_in(spec["containers"])[0]["image"])

    def may(self, verb: str, group: str, resource: str) -> bool:
        """Return whether this account may do that to a resource, or `resource/subresource`, of the namespace."""
        name, _, part = resource.partition("/")
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "resource": name, "subresource": part}
        body = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        api = client.AuthorizationV1Api(self._connection.api)
        status = self._connection.call(api.create_self_subject_access_review, body)["status"]
        assert isinstance(status, dict)  # a review that was answered has it
        return bool(status["allowed"])

    def config_map(self, name: str) -> Mapping[str, str]:
        """Return the data of a ConfigMap."""
        core = client.CoreV1Api(self._connection.api)
        data = self._connection.call(core.read_namespaced_config_map, name, self.namespace).get("data")
        return {str(key): str(value) for key, value in data.items()} if isinstance(data, dict) else {}
