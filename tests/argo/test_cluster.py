"""What only Argo itself can tell, where JETSTREAM_TEST_KUBECONFIG leads to a cluster.

docs/argo.md says how to get one. Pods run a shell instead of the worker: a node fails while the ConfigMap
`jetstream-test` names it.
"""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import yaml

from jetstream_argo.argo.deployment import Deployment
from jetstream_argo.argo.emit import emit
from jetstream_argo.argo.retry import retried, seconds_until_settled
from jetstream_argo.argo.status import WorkflowStatus, status_of
from jetstream_argo.dag.build import build_dag, filtered
from workflows.regenerate import generated

KUBECONFIG = os.environ.get("JETSTREAM_TEST_KUBECONFIG")
IMAGE = os.environ.get("JETSTREAM_TEST_IMAGE", "busybox:1.36")
NAMESPACE = os.environ.get("JETSTREAM_TEST_NAMESPACE", "argo")
SOURCES = {"clients": ["active_hours", "uri_count"], "search": ["ads"]}
SCRIPT = 'echo "$0" > /tmp/summary.json; if [ "$BROKEN" = "$0" ]; then echo broken > /dev/termination-log; exit 2; fi'

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(not KUBECONFIG, reason="needs JETSTREAM_TEST_KUBECONFIG")]


@pytest.fixture
def cluster():
    from jetstream_argo.argo.cluster import KubernetesCluster

    return KubernetesCluster(namespace=NAMESPACE, kubeconfig=KUBECONFIG)


@pytest.fixture
def break_node():
    """Say which node fails from now on."""
    from kubernetes import client, config

    core = client.CoreV1Api(config.new_client_from_config(KUBECONFIG))
    body = {"metadata": {"name": "jetstream-test"}, "data": {"broken": ""}}
    if not any(each.metadata.name == "jetstream-test" for each in core.list_namespaced_config_map(NAMESPACE).items):
        core.create_namespaced_config_map(NAMESPACE, body)

    def say(node: str) -> None:
        core.patch_namespaced_config_map("jetstream-test", NAMESPACE, {"data": {"broken": node}})

    say("")
    return say


@pytest.fixture
def submitted(cluster, make_plan) -> Callable[..., str]:
    def submit(**parameters: str) -> str:
        emitted = emit(make_plan(SOURCES, slug=f"test-{uuid4().hex[:8]}"), Deployment(IMAGE, "none", limits=""))
        document = yaml.safe_load(yaml.safe_dump(dict(emitted.workflow)))
        # What the namespace of Argo's quick start has.
        for account in ("serviceAccountName", "executor", "automountServiceAccountToken"):
            document["spec"].pop(account)
        document["spec"]["serviceAccountName"] = os.environ.get("JETSTREAM_TEST_ACCOUNT", "argo")
        for parameter in document["spec"]["arguments"]["parameters"]:
            parameter["value"] = parameters.get(parameter["name"], parameter["value"])
        for template in document["spec"]["templates"][1:]:
            node = template["container"]["args"][-1]
            source = {"configMapKeyRef": {"name": "jetstream-test", "key": "broken"}}
            template["container"] |= {"command": ["sh", "-c"], "args": [SCRIPT, node]}
            template["container"]["env"].append({"name": "BROKEN", "valueFrom": source})
        assert cluster.create(document)
        return str(document["metadata"]["name"])

    return submit


def _ended(cluster, name: str, *, seconds: int = 300) -> WorkflowStatus:
    end = time.monotonic() + seconds
    while not (status := status_of(cluster.workflow(name))).is_over:
        assert time.monotonic() < end, f"{name} is {status.phase} after {seconds} s: {dict(status.counts)}"
        time.sleep(2)
    return status


def _names(status: WorkflowStatus, phase: str) -> set[str]:
    return {node.display_name for node in status.nodes if node.phase == phase and "onExit" not in node.name}


def _times_of_pods(cluster, name: str) -> dict[str, tuple[str, str]]:
    """When each pod that succeeded began and ended; those of the exit handler left out."""
    nodes = cluster.workflow(name)["status"]["nodes"].values()
    pods = (node for node in nodes if node["type"] == "Pod" and node["phase"] == "Succeeded")
    return {pod["name"]: (pod["startedAt"], pod["finishedAt"]) for pod in pods if "onExit" not in pod["name"]}


def test_the_api_server_takes_every_committed_manifest():
    from kubernetes import client, config

    objects = client.CustomObjectsApi(config.new_client_from_config(KUBECONFIG))
    kinds = {"Workflow": "workflows", "CronWorkflow": "cronworkflows", "WorkflowTemplate": "workflowtemplates"}
    for text in generated().values():
        for document in yaml.safe_load_all(text):
            if "name" in document["metadata"]:
                document["metadata"]["name"] += f"-{uuid4().hex[:8]}"  # it may be installed
            objects.create_namespaced_custom_object(
                "argoproj.io", "v1alpha1", NAMESPACE, kinds[document["kind"]], document, dry_run="All"
            )


@pytest.mark.parametrize("metrics", ["", "ads", "uri_count, ads", "identity"])
def test_argo_runs_the_nodes_that_the_metrics_need_and_no_other(cluster, break_node, submitted, make_plan, metrics):
    status = _ended(cluster, submitted(metrics=metrics))

    chosen = [name.strip() for name in metrics.split(",") if name.strip()]
    assert status.phase == "Succeeded"
    assert _names(status, "Succeeded") == {node.id for node in filtered(build_dag(make_plan(SOURCES)), chosen).nodes}


def test_argo_refuses_an_unknown_metric_before_any_pod(cluster, break_node, submitted):
    status = _ended(cluster, submitted(metrics="tpyo"))

    assert status.phase in ("Failed", "Error")
    assert "unknown-metric-tpyo" in status.message
    assert not status.nodes


def test_a_failed_node_shows_its_reason_and_a_retry_runs_its_chain_alone(cluster, break_node, submitted):
    break_node("day-clients")
    name = submitted()
    failed = _ended(cluster, name)
    before = _times_of_pods(cluster, name)

    break_node("")
    time.sleep(seconds_until_settled(failed, datetime.now(UTC)))
    again = retried(cluster.workflow(name), now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    cluster.delete_pods(name, again.deleted)
    cluster.replace(again.workflow)
    status = _ended(cluster, name)

    assert failed.phase == "Failed"
    assert _names(failed, "Failed") == {"day-clients"}
    assert _names(failed, "Omitted") >= {"week-clients", "stats-day-uri-count"}
    assert "broken" in next(node.message for node in failed.nodes if node.phase == "Failed")
    assert status.phase == "Succeeded"
    after = _times_of_pods(cluster, name)
    assert before.items() <= after.items()
    assert {pod.split(".")[1].split("(")[0] for pod in after.keys() - before.keys()} == {"day-clients"} | _names(
        failed, "Omitted"
    )
