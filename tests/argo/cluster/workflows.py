"""Emitted Workflows whose pods run a shell, and what became of them, where JETSTREAM_TEST_KUBECONFIG leads.

A node fails while the ConfigMap `jetstream-test` names it; a node of `pauses` takes so many seconds.
"""

import os
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import yaml

from jetstream_argo.argo.cluster.client import KubernetesCluster
from jetstream_argo.argo.cluster.status import WorkflowStatus, status_of
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import Emitted
from jetstream_argo.argo.manifest.schedule import cron_workflow
from jetstream_argo.argo.manifest.sharing import SHARE_FIRST

KUBECONFIG = os.environ.get("JETSTREAM_TEST_KUBECONFIG")
IMAGE = os.environ.get("JETSTREAM_TEST_IMAGE", "busybox:1.36")
NAMESPACE = os.environ.get("JETSTREAM_TEST_NAMESPACE", "argo")
_SCRIPT = (
    'echo "$0" > /tmp/result.txt; sleep "$1"; '
    'if [ "$BROKEN" = "$0" ]; then echo broken > /dev/termination-log; exit "$2"; fi; '
    'if [ "$JETSTREAM_GRAPH_FAILED" = true ]; then echo "1 failed" > /dev/termination-log; exit 2; fi'
)
_SCANS_SCRIPT = 'echo "$1" > /tmp/scans.json; [ "$BROKEN" != "$0" ]'


def with_shells(
    emitted: Emitted, parameters: Mapping[str, str], pauses: Mapping[str, int], *, code: int = 2
) -> dict[str, Any]:
    """Return an emitted Workflow with a shell in place of the worker, for an account of Argo's quick start.

    A node that is to fail does so with the exit code `code`, twice at most.
    """
    document: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(emitted.workflow)))
    for account in ("serviceAccountName", "executor", "automountServiceAccountToken"):
        document["spec"].pop(account, None)
    document["spec"]["serviceAccountName"] = os.environ.get("JETSTREAM_TEST_ACCOUNT", "argo")
    for parameter in document["spec"]["arguments"]["parameters"]:
        parameter["value"] = parameters.get(parameter["name"], parameter["value"])
    for template in document["spec"]["templates"]:
        if "container" in template:
            node = template["container"]["args"][-1]
            source = {"configMapKeyRef": {"name": "jetstream-test", "key": "broken"}}
            pause = str(pauses.get(template["name"], 0))
            template["container"] |= {"command": ["sh", "-c"], "args": [_SCRIPT, node, pause, str(code)]}
            template["retryStrategy"]["limit"] = "1"
            template["container"].setdefault("env", []).append({"name": "BROKEN", "valueFrom": source})
    return document


def daily_with_shells(scans: str) -> dict[str, Any]:
    """Return the daily planner's Workflow that reads sources once for all first, with a shell in every pod.

    What plans leaves `scans`, a JSON array of names, to others. The template or the scan that is to fail does so.
    """
    document: dict[str, Any] = yaml.safe_load(yaml.safe_dump(dict(cron_workflow(Deployment(IMAGE, "none")))))
    spec = document["spec"]["workflowSpec"]
    for account in ("serviceAccountName", "executor", "automountServiceAccountToken"):
        spec.pop(account, None)
    spec |= {"entrypoint": SHARE_FIRST, "serviceAccountName": os.environ.get("JETSTREAM_TEST_ACCOUNT", "argo")}
    source = {"configMapKeyRef": {"name": "jetstream-test", "key": "broken"}}
    for template in spec["templates"]:
        if "container" in template:
            template.pop("serviceAccountName", None)
            template["container"].pop("envFrom")
            what = "{{inputs.parameters.scan}}" if "inputs" in template else template["name"]
            template["container"] |= {"command": ["sh", "-c"], "args": [_SCANS_SCRIPT, what, scans]}
            template["container"]["env"].append({"name": "BROKEN", "valueFrom": source})
    name = f"test-{uuid4().hex[:8]}"
    return {"apiVersion": document["apiVersion"], "kind": "Workflow", "metadata": {"name": name}, "spec": spec}


def waited_for(
    cluster: KubernetesCluster, name: str, holds: Callable[[WorkflowStatus], bool], *, seconds: int = 300
) -> WorkflowStatus:
    """Return a Workflow's status once `holds` of it; AssertionError if that takes too long."""
    end = time.monotonic() + seconds
    while not holds(status := status_of(cluster.workflow(name))):
        assert time.monotonic() < end, f"{name} is {status.phase} after {seconds} s: {dict(status.counts)}"
        time.sleep(2)
    return status


def ended(cluster: KubernetesCluster, name: str, *, seconds: int = 300) -> WorkflowStatus:
    """Return a Workflow's status at its end."""
    return waited_for(cluster, name, lambda status: status.is_over, seconds=seconds)


def times_of_pods(cluster: KubernetesCluster, name: str) -> dict[str, tuple[str, str]]:
    """Return when each pod that succeeded began and ended, in RFC 3339, by its node's name."""
    status = cluster.workflow(name)["status"]
    assert isinstance(status, dict)
    pods = (node for node in status.get("nodes", {}).values() if node["type"] == "Pod")
    return {pod["name"]: (pod["startedAt"], pod["finishedAt"]) for pod in pods if pod["phase"] == "Succeeded"}
