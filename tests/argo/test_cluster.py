"""What only Argo itself can tell, where JETSTREAM_TEST_KUBECONFIG leads to a cluster.

docs/argo.md says how to get one. Pods run a shell instead of the worker: a node fails while the ConfigMap
`jetstream-test` names it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import yaml

from jetstream_argo.argo.cluster.resubmit import ended_for_now
from jetstream_argo.argo.cluster.retry import retried, seconds_until_settled
from jetstream_argo.argo.cluster.status import WorkflowStatus, status_of
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.argo.manifest.layout import layout
from jetstream_argo.dag.build import build_dag, filtered
from tests.argo.cluster.workflows import (
    IMAGE,
    KUBECONFIG,
    NAMESPACE,
    daily_with_shells,
    ended,
    times_of_pods,
    waited_for,
    with_shells,
)
from workflows.regenerate import ROOT, generated

SOURCES = {"clients": ["active_hours", "uri_count"], "search": ["ads"]}

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(not KUBECONFIG, reason="needs JETSTREAM_TEST_KUBECONFIG")]


@pytest.fixture
def cluster():
    from jetstream_argo.argo.cluster.client import KubernetesCluster

    return KubernetesCluster(namespace=NAMESPACE, kubeconfig=KUBECONFIG)


@pytest.fixture
def break_node():
    """Say which node fails from now on."""
    from kubernetes import client, config

    core = client.CoreV1Api(config.new_client_from_config(KUBECONFIG))
    body = {"metadata": {"name": "jetstream-test"}, "data": {"broken": ""}}
    if not any(item.metadata.name == "jetstream-test" for item in core.list_namespaced_config_map(NAMESPACE).items):
        core.create_namespaced_config_map(NAMESPACE, body)

    def say(node: str) -> None:
        core.patch_namespaced_config_map("jetstream-test", NAMESPACE, {"data": {"broken": node}})

    say("")
    return say


@pytest.fixture
def submitted(cluster, make_plan) -> Callable[..., str]:
    def submit(*, slug="", chosen=(), limits="", pauses=None, code=2, **parameters: str) -> str:
        plan = make_plan(SOURCES, slug=slug or f"test-{uuid4().hex[:8]}")
        emitted = emit(plan, Deployment(IMAGE, "none", limits=limits), metrics=chosen)
        document = with_shells(emitted, parameters, pauses or {}, code=code)
        assert cluster.create(document)
        return str(document["metadata"]["name"])

    return submit


@pytest.fixture
def limits() -> str:
    """The ConfigMap of limits of k8s/base, under a name of its own."""
    from kubernetes import client, config

    documents = yaml.safe_load_all((ROOT / "k8s/base/limits.yaml").read_text())
    body = next(document for document in documents if document["kind"] == "ConfigMap")
    name = f"jetstream-limits-{uuid4().hex[:8]}"
    body["metadata"]["name"] = name
    client.CoreV1Api(config.new_client_from_config(KUBECONFIG)).create_namespaced_config_map(NAMESPACE, body)
    return name


def _names(status: WorkflowStatus, phase: str) -> set[str]:
    return {node.display_name for node in status.nodes if node.phase == phase and "onExit" not in node.name}


def _times(cluster, name: str) -> dict[str, tuple[str, str]]:
    """When each pod that succeeded began and ended; those of the exit handler left out."""
    return {pod: times for pod, times in times_of_pods(cluster, name).items() if "onExit" not in pod}


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
    status = ended(cluster, submitted(metrics=metrics))

    chosen = [name.strip() for name in metrics.split(",") if name.strip()]
    dag = build_dag(make_plan(SOURCES))
    titles = layout(dag).titles
    assert status.phase == "Succeeded"
    assert _names(status, "Succeeded") == {titles[node.id] for node in filtered(dag, chosen).nodes}


def test_argo_refuses_an_unknown_metric_before_any_pod(cluster, break_node, submitted):
    status = ended(cluster, submitted(metrics="tpyo"))

    assert status.phase in ("Failed", "Error")
    assert "unknown-metric-tpyo" in status.message
    assert not status.nodes


def test_a_failed_node_shows_its_reason_and_a_retry_runs_its_chain_alone(cluster, break_node, submitted):
    break_node("day-clients")
    name = submitted()
    failed = ended(cluster, name)
    before = _times(cluster, name)

    break_node("")
    time.sleep(seconds_until_settled(failed, datetime.now(UTC)))
    again = retried(cluster.workflow(name), now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    cluster.delete_pods(name, again.deleted)
    cluster.replace(again.workflow)
    status = ended(cluster, name)

    assert failed.phase == "Failed"
    assert _names(failed, "Failed") == {"day-clients"}
    assert _names(failed, "Omitted") >= {"week-clients", "day-clients-stats"}
    assert "broken" in next(node.message for node in failed.nodes if node.phase == "Failed")
    assert status.phase == "Succeeded"
    after = _times(cluster, name)
    assert before.items() <= after.items()
    ran = {pod.split(".")[-1].split("(")[0] for pod in after.keys() - before.keys()}
    statistics = {f"{period}-{metric}" for period in ("day", "week") for metric in ("active-hours", "uri-count")}
    assert ran == {"day-clients", "week-clients", *statistics}


def test_a_failed_leaf_is_a_red_group_and_the_workflows_message_and_a_retry_runs_it_alone(
    cluster, break_node, submitted
):
    break_node("stats-week-uri-count")
    name = submitted()
    failed = ended(cluster, name)
    before = _times(cluster, name)

    break_node("")
    time.sleep(seconds_until_settled(failed, datetime.now(UTC)))
    again = retried(cluster.workflow(name), now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    cluster.delete_pods(name, again.deleted)
    cluster.replace(again.workflow)
    status = ended(cluster, name)

    assert _names(failed, "Failed") == {"week-uri-count"}
    assert "1 failed" in failed.message  # publishing's own word
    assert status.phase == "Succeeded"
    anew = _times(cluster, name).keys() - before.keys()
    assert {pod.split(".")[-1].split("(")[0] for pod in anew} == {"week-uri-count"}


@pytest.mark.parametrize(("code", "anew"), [(75, True), (2, False)])
def test_a_workflow_says_whether_it_ended_for_now(cluster, break_node, submitted, code, anew):
    break_node("enrollments")
    name = submitted(code=code)

    status = ended(cluster, name)

    assert status.phase == "Failed"
    assert ended_for_now(cluster.workflow(name)) is anew


@pytest.mark.parametrize("arrival", ["second, other", "other, second"])
def test_a_second_workflow_of_an_experiment_holds_up_no_other_experiment(
    cluster, break_node, submitted, limits, arrival
):
    slug = f"test-{uuid4().hex[:8]}"
    first = submitted(slug=slug, limits=limits, pauses={"enrollments": 40})
    waited_for(cluster, first, lambda status: bool(_names(status, "Running")))
    names = {}
    for which in arrival.split(", "):
        options = {"slug": slug, "chosen": ("ads",)} if which == "second" else {}
        names[which] = submitted(limits=limits, **options)

    waiting = waited_for(cluster, names["second"], lambda status: bool(status.message))
    waited_for(cluster, names["other"], lambda status: "enrollments" in _names(status, "Succeeded"))
    during = status_of(cluster.workflow(first))
    still = status_of(cluster.workflow(names["second"]))
    statuses = [ended(cluster, name) for name in (first, *names.values())]

    assert waiting.message.startswith(f"Waiting for {NAMESPACE}/Mutex/jetstream-{slug} lock")
    assert "enrollments" in _names(during, "Running")
    assert still.nodes == ()
    assert [status.phase for status in statuses] == ["Succeeded"] * 3
    first_times, second_times = times_of_pods(cluster, first), times_of_pods(cluster, names["second"])
    assert max(end for _, end in first_times.values()) <= min(start for start, _ in second_times.values())
    assert any("onExit" in pod for pod in first_times)


def test_a_retried_workflow_waits_for_the_one_that_runs_and_publishes_after_it(cluster, break_node, submitted, limits):
    slug = f"test-{uuid4().hex[:8]}"
    break_node("day-clients")
    first = submitted(slug=slug, limits=limits)
    failed = ended(cluster, first)
    break_node("")
    second = submitted(slug=slug, limits=limits, chosen=("ads",), pauses={"enrollments": 30})
    waited_for(cluster, second, lambda status: bool(_names(status, "Running")))

    time.sleep(seconds_until_settled(failed, datetime.now(UTC)))
    before = times_of_pods(cluster, first)
    again = retried(cluster.workflow(first), now=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
    cluster.delete_pods(first, again.deleted)
    cluster.replace(again.workflow)
    waiting = waited_for(cluster, first, lambda status: bool(status.message))
    statuses = [ended(cluster, name) for name in (first, second)]

    assert waiting.message.startswith(f"Waiting for {NAMESPACE}/Mutex/jetstream-{slug} lock")
    assert [status.phase for status in statuses] == ["Succeeded"] * 2
    anew = {pod: times for pod, times in times_of_pods(cluster, first).items() if before.get(pod) != times}
    computed = [times for pod, times in times_of_pods(cluster, second).items() if "onExit" not in pod]
    assert max(end for _, end in computed) <= min(start for start, _ in anew.values())


@pytest.mark.parametrize(
    ("scans", "broken", "failed"),
    [
        ('["one", "two"]', "", set()),
        ('["one", "two"]', "one", {"read-for-all", "read-for-all(0:one)"}),
        ('["one", "two"]', "plan-shared-scans", {"plan-shared-scans"}),
        ("[]", "", set()),
    ],
)
def test_experiments_are_submitted_however_shared_scans_end(cluster, break_node, scans, broken, failed):
    break_node(broken)
    document = daily_with_shells(scans)
    assert cluster.create(document)

    status = ended(cluster, document["metadata"]["name"])

    assert status.phase == "Succeeded"
    assert "submit-due" in _names(status, "Succeeded")
    assert _names(status, "Failed") == failed
