import hashlib

import pytest

from jetstream_argo.argo.cluster.client import KubernetesCluster
from jetstream_argo.argo.cluster.submit import submit
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.errors import AccessDenied, ConfigError, Conflict, NotFound, Transient
from tests.argo.fake_kubernetes import FakeKubernetes

SOURCES = {"clients": ["active_hours"], "search": ["ads"]}
DEPLOYMENT = Deployment("image@sha256:0", "bigquery:project")


def test_a_workflow_is_created_once_however_often_it_is_submitted(server, api, make_plan):
    emitted = emit(make_plan(SOURCES), DEPLOYMENT)

    first, second = submit(emitted, api), submit(emitted, api)

    assert first.is_new
    assert not second.is_new
    assert server.names("workflows") == [first.name] == [second.name]
    assert server.objects["workflows", first.name]["spec"] == emitted.workflow["spec"]


def test_a_choice_of_metrics_is_a_workflow_of_its_own(server, api, make_plan):
    submit(emit(make_plan(SOURCES), DEPLOYMENT), api)
    submit(emit(make_plan(SOURCES), DEPLOYMENT, metrics=["ads"]), api)

    assert len(server.names("workflows")) == 2


def test_the_config_map_of_a_large_plan_is_there_first_and_goes_with_its_last_workflow(server, api, make_plan):
    plan = make_plan(SOURCES, description=_incompressible(200_000))

    whole = submit(emit(plan, DEPLOYMENT), api)
    part = submit(emit(plan, DEPLOYMENT, metrics=["ads"]), api)
    submit(emit(plan, DEPLOYMENT), api)

    created = [kind for method, kind in server.requests if method == "POST"]
    assert created[:2] == ["configmaps", "workflows"]
    (name,) = server.names("configmaps")
    owners = server.objects["configmaps", name]["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in owners] == [whole.name, part.name]
    assert [owner["uid"] for owner in owners] == [f"uid-{whole.name}", f"uid-{part.name}"]


def test_a_large_plan_is_put_where_its_pods_look_for_it(api, make_plan, tmp_path):
    plan = make_plan(SOURCES, description=_incompressible(200_000))
    emitted = emit(plan, Deployment("image", "bigquery:project", plans=f"file://{tmp_path}/plans"))

    submit(emitted, api)

    (file,) = (tmp_path / "plans").iterdir()
    assert file.read_bytes() == emitted.storage.data


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, AccessDenied), (401, AccessDenied), (500, Transient), (503, Transient), (429, Transient)],
)
def test_what_the_cluster_answers_becomes_an_error_that_says_it(server, api, make_plan, status, error):
    server.broken = (status, "said by the server")

    with pytest.raises(error, match="said by the server"):
        submit(emit(make_plan(SOURCES), DEPLOYMENT), api)


def test_a_cluster_that_does_not_answer_is_worth_another_try(tmp_path):
    with FakeKubernetes() as gone:
        kubeconfig = gone.kubeconfig(tmp_path / "kubeconfig")
    cluster = KubernetesCluster(kubeconfig=kubeconfig)

    with pytest.raises(Transient, match="does not answer"):
        cluster.workflow("x")


def test_without_a_cluster_to_be_found_the_error_says_where_to_look(tmp_path):
    with pytest.raises(ConfigError, match="set KUBECONFIG or give --kubeconfig"):
        KubernetesCluster(kubeconfig=str(tmp_path / "none"))


def test_a_workflow_that_does_not_exist_is_not_found(api):
    with pytest.raises(NotFound, match="'gone' not found"):
        api.workflow("gone")


def test_a_workflow_that_has_changed_in_between_is_not_replaced(api, make_plan):
    name = submit(emit(make_plan(SOURCES), DEPLOYMENT), api).name
    before = api.workflow(name)
    api.replace(api.workflow(name))

    with pytest.raises(Conflict):
        api.replace(before)


def test_the_pods_of_nodes_that_run_again_are_deleted_and_no_others(server, api):
    for node in ("clients-0", "enroll-1"):
        metadata = {
            "name": f"pod-{node}",
            "labels": {"workflows.argoproj.io/workflow": "wf"},
            "annotations": {"workflows.argoproj.io/node-id": node},
        }
        server.objects["pods", f"pod-{node}"] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}

    api.delete_pods("wf", ["clients-0", "stats"])

    assert server.names("pods") == ["pod-enroll-1"]


def _incompressible(letters: int) -> str:
    return "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(letters // 64 + 1))
