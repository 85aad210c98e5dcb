"""Stands in for the nodes of a cluster: runs the pods that Argo creates as processes of this machine.

    python -m tests.argo.cluster.nodes --kubeconfig FILE --namespace NAMESPACE [--executable NAME=PATH …]

For a control plane without nodes (README.md beside this file). A pod's main container runs in a mount namespace of its
own, with a /tmp and a /dev/termination-log of its own, which takes root; what Argo's sidecar would report, its outputs
and that they are complete, is reported here. Pods of the account jetstream-planner reach the API by planner.kubeconfig,
beside FILE. Images, limits and security contexts mean nothing here.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

_WORKFLOW = "workflows.argoproj.io/workflow"
_NODE_ID = "workflows.argoproj.io/node-id"
_COMPLETE = "workflows.argoproj.io/report-outputs-completed"
_OWN_MOUNTS = (
    'mount --bind "$1/tmp" /tmp && touch /dev/termination-log && mount --bind "$1/message" /dev/termination-log '
    '&& cd /tmp && shift && exec "$@"'
)


class Nodes:
    """All nodes of a cluster as one: how many pods run at a time is up to Argo."""

    def __init__(self, kubeconfig: Path, namespace: str, executables: Mapping[str, str]) -> None:
        api = config.new_client_from_config(str(kubeconfig))
        self._core = client.CoreV1Api(api)
        self._objects = client.CustomObjectsApi(api)
        self._namespace = namespace
        self._executables = executables
        self._started: set[str] = set()
        self._folder = Path(tempfile.mkdtemp(prefix="nodes-", dir="/var/tmp"))  # not below what pods see as /tmp
        planner = self._folder / "planner.kubeconfig"
        planner.write_text(_by_itself(kubeconfig.with_name(planner.name)))
        self._kubeconfigs = {"jetstream-planner": planner}

    def look(self) -> None:
        """Start every pod that waits for a node."""
        for pod in self._core.list_namespaced_pod(self._namespace, label_selector=_WORKFLOW).items:
            if pod.status.phase == "Pending" and pod.metadata.uid not in self._started:
                self._started.add(pod.metadata.uid)
                threading.Thread(target=self._run, args=(pod,), daemon=True).start()

    def _run(self, pod: Any) -> None:
        main = next(container for container in pod.spec.containers if container.name == "main")
        folder = self._folder / pod.metadata.uid
        (folder / "tmp").mkdir(parents=True)
        (folder / "message").touch()
        try:
            self._tell(pod, "Running", {"running": {"startedAt": _now()}})
            code = self._execute(main, folder, pod.spec.service_account_name)
            message = (folder / "message").read_text(errors="replace")
            if not message and code and main.termination_message_policy == "FallbackToLogsOnError":
                message = (folder / "log").read_text(errors="replace")[-2048:]
            self._report(pod, folder)
            state = {
                "exitCode": code,
                "reason": "Error" if code else "Completed",
                "message": message,
                "startedAt": _now(),
                "finishedAt": _now(),
            }
            self._tell(pod, "Failed" if code else "Succeeded", {"terminated": state})
        except ApiException as error:
            if error.status != 404:  # the pod was deleted: whoever did so wants no more of it
                raise

    def _execute(self, container: Any, folder: Path, account: str) -> int:
        words = [*container.command, *(container.args or [])]
        words = words[words.index("--") + 1 :]  # before it stands Argo's own launcher
        words[0] = self._executables.get(words[0], words[0])
        environment = {"PATH": os.environ["PATH"], "HOME": "/tmp", **dict(self._environment(container))}
        if account in self._kubeconfigs:
            environment["KUBECONFIG"] = str(self._kubeconfigs[account])
        with (folder / "log").open("wb") as log:
            done = subprocess.run(
                ["unshare", "--mount", "sh", "-c", _OWN_MOUNTS, "pod", str(folder), *words],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                check=False,
            )
        return done.returncode if done.returncode >= 0 else 128 - done.returncode

    def _environment(self, container: Any) -> Iterator[tuple[str, str]]:
        for source in container.env_from or []:
            yield from self._config_map(source.config_map_ref.name).items()
        for variable in container.env or []:
            key = variable.value_from.config_map_key_ref if variable.value_from else None
            if key is not None:
                yield variable.name, self._config_map(key.name)[key.key]
            elif variable.value_from is None:
                yield variable.name, variable.value or ""

    def _config_map(self, name: str) -> dict[str, str]:
        return dict(self._core.read_namespaced_config_map(name, self._namespace).data or {})

    def _report(self, pod: Any, folder: Path) -> None:
        """Report the outputs, as Argo's sidecar does."""
        containers = [*pod.spec.containers, *(pod.spec.init_containers or [])]
        variables = {variable.name: variable.value for container in containers for variable in container.env or []}
        outputs = json.loads(variables.get("ARGO_TEMPLATE", "{}")).get("outputs", {})
        parameters = []
        for parameter in outputs.get("parameters", []):
            file = folder / parameter["valueFrom"]["path"].removeprefix("/")
            value = file.read_text() if file.is_file() else parameter["valueFrom"].get("default", "")
            parameters.append({"name": parameter["name"], "value": value})
        result = {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "WorkflowTaskResult",
            "metadata": {
                "name": pod.metadata.annotations[_NODE_ID],
                "labels": {_WORKFLOW: pod.metadata.labels[_WORKFLOW], _COMPLETE: "true"},
            },
            "outputs": {"parameters": parameters},
        }
        place = ("argoproj.io", "v1alpha1", self._namespace, "workflowtaskresults")
        try:
            self._objects.create_namespaced_custom_object(*place, result)
        except ApiException as error:
            if error.status != 409:
                raise
            self._objects.patch_namespaced_custom_object(*place, result["metadata"]["name"], result)

    def _tell(self, pod: Any, phase: str, main: Mapping[str, object]) -> None:
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": _now(), "finishedAt": _now()}}
        over = phase != "Running"
        others = [container.name for container in pod.spec.containers if container.name != "main"]
        containers = [_status("main", main)]
        containers += [_status(name, ended if over else {"running": {"startedAt": _now()}}) for name in others]
        inits = [_status(init.name, ended) for init in pod.spec.init_containers or []]
        status = {"phase": phase, "containerStatuses": containers, "initContainerStatuses": inits}
        self._core.patch_namespaced_pod_status(pod.metadata.name, self._namespace, {"status": status})


def _by_itself(kubeconfig: Path) -> str:
    """Return a kubeconfig that holds the certificates which it names, for pods that do not see their files."""
    document = yaml.safe_load(kubeconfig.read_text())
    for cluster in (entry["cluster"] for entry in document["clusters"]):
        certificate = Path(cluster.pop("certificate-authority")).read_bytes()
        cluster["certificate-authority-data"] = base64.b64encode(certificate).decode()
    return yaml.safe_dump(document)


def _status(name: str, state: Mapping[str, object]) -> dict[str, object]:
    ready = "running" in state
    return {"name": name, "ready": ready, "restartCount": 0, "image": "", "imageID": "", "state": state}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@click.command()
@click.option("--kubeconfig", required=True, type=click.Path(path_type=Path))
@click.option("--namespace", required=True)
@click.option("--executable", multiple=True, metavar="NAME=PATH", help="Which file a pod's command is here.")
def main(kubeconfig: Path, namespace: str, executable: tuple[str, ...]) -> None:
    """Run the pods of a namespace until interrupted."""
    executables = dict(assignment.split("=", 1) for assignment in executable)
    nodes = Nodes(kubeconfig, namespace, executables)
    while True:
        nodes.look()
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
