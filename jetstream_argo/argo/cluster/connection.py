"""Asks a Kubernetes API: the one that this process runs in, or the one that a kubeconfig names."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException
from urllib3.exceptions import HTTPError

from jetstream_argo.argo.manifest.documents import Document
from jetstream_argo.errors import AccessDenied, ConfigError, Conflict, EngineError, NotFound, Problem, Transient

_SECONDS = 60  # for an answer
_SERVER_FAILS = 500


@dataclass(frozen=True, slots=True)
class Connection:
    """A Kubernetes API, and the namespace of it that is meant."""

    api: client.ApiClient
    namespace: str

    def call(self, method: Callable[..., object], *arguments: object, **options: object) -> Document:
        """Return the answer to a call of the client's as plain data.

        Raises:
            AccessDenied, NotFound, Conflict, Transient, EngineError: the cluster says so, or does not answer.
        """
        answer = self.ask(method, *arguments, **options)
        plain: Document = self.api.sanitize_for_serialization(answer)  # type: ignore[no-untyped-call]  # no types
        return plain

    def ask(self, method: Callable[..., object], *arguments: object, **options: object) -> object:
        """Return the answer to a call of the client's as the client gives it; raises what `call` does."""
        try:
            return method(*arguments, **options, _request_timeout=_SECONDS)
        except ApiException as error:
            raise _translated(error, self.namespace) from error
        except HTTPError as error:
            raise Transient(f"the cluster does not answer: {error}; is the kubeconfig's server up?") from error


def connected(*, namespace: str, kubeconfig: str | None, context: str | None) -> Connection:
    """Return the API that these lead to; without a namespace, with that of the kubeconfig or of this pod.

    Raises:
        ConfigError: they lead to none.
    """
    api, default = _found(kubeconfig, context)
    return Connection(api, namespace or default)


def _found(kubeconfig: str | None, context: str | None) -> tuple[client.ApiClient, str]:
    """Return a client and the namespace that goes with it."""
    try:
        if kubeconfig is None and context is None:
            try:
                settings = client.Configuration()
                config.load_incluster_config(settings)  # type: ignore[no-untyped-call]  # the package has few types
                return client.ApiClient(settings), _own_namespace()
            except ConfigException:
                pass  # not in a cluster
        api = config.new_client_from_config(kubeconfig, context)  # type: ignore[no-untyped-call]  # as above
        contexts, active = config.list_kube_config_contexts(kubeconfig)  # type: ignore[no-untyped-call]  # as above
        chosen = next((listed for listed in contexts if listed["name"] == context), active)
        return api, str(chosen["context"].get("namespace", "default"))
    except ConfigException as error:
        problem = Problem("", f"leads to no cluster: {error}; set KUBECONFIG or give --kubeconfig")
        raise ConfigError(kubeconfig or "kubeconfig", [problem]) from error


def _own_namespace() -> str:
    return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text(encoding="utf-8").strip()


def _translated(error: ApiException, namespace: str) -> EngineError:
    message = _message(error)
    match error.status:
        case 404:
            return NotFound(message)
        case 409:
            return Conflict(f"cluster: {message}")
        case 401 | 403:
            return AccessDenied(f"cluster, namespace {namespace!r}: {message}; see k8s/ for the roles that are needed")
        case 429:
            return Transient(f"cluster: {message}; try again")
        case int(status) if status >= _SERVER_FAILS or status == 0:
            return Transient(f"cluster: {message}; try again")
        case _:
            return EngineError(f"cluster: {message}")


def _message(error: ApiException) -> str:
    try:
        return str(json.loads(error.body or "")["message"])
    except (TypeError, ValueError, KeyError):
        return f"{error.status} {error.reason}"
