import base64
import gzip
import hashlib
import json
from datetime import date

import pytest

from jetstream_argo.argo.cluster import KubernetesCluster
from jetstream_argo.argo.deployment import Deployment
from jetstream_argo.argo.due import Candidate, Entry, State, candidates, is_live, submit_due
from jetstream_argo.argo.emit import emit
from jetstream_argo.argo.retry import retried
from jetstream_argo.argo.status import status_of
from jetstream_argo.argo.submit import submit
from jetstream_argo.config.experiment import Branch, Experiment
from jetstream_argo.errors import AccessDenied, ConfigError, Conflict, NotFound, NotRunnable, PlanError, Transient
from tests.argo.fake_kubernetes import FakeKubernetes

SOURCES = {"clients": ["active_hours"], "search": ["ads"]}
DEPLOYMENT = Deployment("image@sha256:0", "bigquery:project")
NOW = "2026-11-24T06:00:00Z"


@pytest.fixture
def server():
    with FakeKubernetes() as fake:
        yield fake


@pytest.fixture
def cluster(server, tmp_path):
    return KubernetesCluster(kubeconfig=server.kubeconfig(tmp_path / "kubeconfig"))


def test_a_workflow_is_created_once_however_often_it_is_submitted(server, cluster, make_plan):
    emitted = emit(make_plan(SOURCES), DEPLOYMENT)

    first, second = submit(emitted, cluster), submit(emitted, cluster)

    assert first.is_new
    assert not second.is_new
    assert server.names("workflows") == [first.name] == [second.name]
    assert server.objects["workflows", first.name]["spec"] == emitted.workflow["spec"]


def test_a_choice_of_metrics_is_a_workflow_of_its_own(server, cluster, make_plan):
    submit(emit(make_plan(SOURCES), DEPLOYMENT), cluster)
    submit(emit(make_plan(SOURCES), DEPLOYMENT, metrics=["ads"]), cluster)

    assert len(server.names("workflows")) == 2


def test_the_config_map_of_a_large_plan_is_there_first_and_goes_with_its_last_workflow(server, cluster, make_plan):
    plan = make_plan(SOURCES, description=_incompressible(200_000))

    whole = submit(emit(plan, DEPLOYMENT), cluster)
    part = submit(emit(plan, DEPLOYMENT, metrics=["ads"]), cluster)
    submit(emit(plan, DEPLOYMENT), cluster)

    created = [kind for method, kind in server.requests if method == "POST"]
    assert created[:2] == ["configmaps", "workflows"]
    (name,) = server.names("configmaps")
    owners = server.objects["configmaps", name]["metadata"]["ownerReferences"]
    assert [owner["name"] for owner in owners] == [whole.name, part.name]
    assert [owner["uid"] for owner in owners] == [f"uid-{whole.name}", f"uid-{part.name}"]


def test_a_large_plan_is_put_where_its_pods_look_for_it(cluster, make_plan, tmp_path):
    plan = make_plan(SOURCES, description=_incompressible(200_000))
    emitted = emit(plan, Deployment("image", "bigquery:project", plans=f"file://{tmp_path}/plans"))

    submit(emitted, cluster)

    (file,) = (tmp_path / "plans").iterdir()
    assert file.read_bytes() == emitted.carrier.data


@pytest.mark.parametrize(
    ("status", "error"),
    [(403, AccessDenied), (401, AccessDenied), (500, Transient), (503, Transient), (429, Transient)],
)
def test_what_the_cluster_answers_becomes_an_error_that_says_it(server, cluster, make_plan, status, error):
    server.broken = (status, "said by the server")

    with pytest.raises(error, match="said by the server"):
        submit(emit(make_plan(SOURCES), DEPLOYMENT), cluster)


def test_a_cluster_that_does_not_answer_is_worth_another_try(tmp_path, make_plan):
    with FakeKubernetes() as gone:
        kubeconfig = gone.kubeconfig(tmp_path / "kubeconfig")
    cluster = KubernetesCluster(kubeconfig=kubeconfig)

    with pytest.raises(Transient, match="does not answer"):
        cluster.workflow("x")


def test_without_a_cluster_to_be_found_the_error_says_where_to_look(tmp_path):
    with pytest.raises(ConfigError, match="set KUBECONFIG or give --kubeconfig"):
        KubernetesCluster(kubeconfig=str(tmp_path / "none"))


def test_a_workflow_that_does_not_exist_is_not_found(cluster):
    with pytest.raises(NotFound, match="'gone' not found"):
        cluster.workflow("gone")


def test_a_workflow_that_has_changed_in_between_is_not_replaced(cluster, make_plan):
    name = submit(emit(make_plan(SOURCES), DEPLOYMENT), cluster).name
    before = cluster.workflow(name)
    cluster.replace(cluster.workflow(name))

    with pytest.raises(Conflict):
        cluster.replace(before)


AS_OF = date(2026, 11, 23)


def test_one_experiment_that_cannot_be_planned_is_reported_and_stops_no_other(server, cluster, make_plan):
    told = []

    def plan(candidate):
        match candidate.experiment.slug:
            case "broken":
                raise PlanError("broken: metrics.x: no such column")
            case "early":
                raise NotRunnable("early: nothing is due")
            case slug:
                return make_plan(SOURCES, slug=slug)

    report = submit_due(
        [_candidate(slug) for slug in ("zebra", "broken", "early", "apple")],
        as_of=AS_OF,
        plan=plan,
        submit=lambda made: submit(emit(made, DEPLOYMENT), cluster),
        tell=told.append,
        before=[Entry("unreadable.json", State.FAILED, "is not JSON", 2)],
    )

    assert [(entry.slug, entry.state) for entry in report.entries] == [
        ("unreadable.json", State.FAILED),
        ("apple", State.SUBMITTED),
        ("broken", State.FAILED),
        ("early", State.NOT_DUE),
        ("zebra", State.SUBMITTED),
    ]
    assert told == list(report.entries)
    assert report.exit_code == 2
    assert report.line == "2 submitted, 0 exists already, 1 not due, 2 failed: unreadable.json, broken"
    assert len(server.names("workflows")) == 2


def test_a_planner_that_runs_again_finds_its_workflows_there(cluster, make_plan):
    def once():
        return submit_due(
            [_candidate("new-tab")],
            as_of=AS_OF,
            plan=lambda _: make_plan(SOURCES),
            submit=lambda made: submit(emit(made, DEPLOYMENT), cluster),
            tell=lambda _: None,
        )

    assert [entry.state for entry in once().entries] == [State.SUBMITTED]
    assert [entry.state for entry in once().entries] == [State.EXISTS]
    assert once().exit_code == 0


def test_a_passing_failure_makes_the_planner_worth_a_retry():
    def plan(candidate):
        raise PlanError("wrong") if candidate.experiment.slug == "a" else Transient("the warehouse is away")

    report = submit_due([_candidate("a"), _candidate("b")], as_of=AS_OF, plan=plan, submit=plan, tell=lambda _: None)

    assert report.exit_code == 75


@pytest.mark.parametrize(
    ("start", "end", "live"),
    [
        (date(2026, 11, 23), None, True),
        (date(2026, 11, 24), None, False),
        (None, None, False),
        (date(2026, 10, 1), date(2026, 11, 16), True),  # ended a week ago
        (date(2026, 10, 1), date(2026, 11, 15), False),
    ],
)
def test_an_experiment_is_live_from_its_start_to_a_week_after_its_end(start, end, live):
    experiment = Experiment("x", "test", (Branch("a"),), start_date=start, end_date=end)

    assert is_live(experiment, AS_OF) is live


def test_a_rollout_is_never_live():
    assert not is_live(Experiment("x", "test", (), start_date=date(2026, 11, 1), is_rollout=True), AS_OF)


def test_experiments_are_found_in_a_folder_and_unreadable_files_are_reported(tmp_path):
    (tmp_path / "list.json").write_text('[{"slug": "from-json", "branches": [{"slug": "a"}]}, {"slug": "no branches"}]')
    (tmp_path / "wrong.json").write_text("{")
    (tmp_path / "own.toml").write_text(
        '[experiment]\nslug = "from-toml"\nbranches = ["a", "b"]\nstart_date = 2026-11-01\nenrollment_period = 7\n'
        'enrollment_query = "SELECT 1"\n'
    )
    (tmp_path / "notes.txt").write_text("not read")

    found, failed = candidates(str(tmp_path))

    assert sorted(each.experiment.slug for each in found) == ["from-json", "from-toml"]
    assert len(failed) == 2
    assert {entry.exit_code for entry in failed} == {2}


def test_a_folder_without_experiments_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="holds no experiment"):
        candidates(str(tmp_path))


def test_the_status_of_a_workflow_shows_tasks_without_their_attempts():
    status = status_of(_failed())

    assert status.phase == "Failed"
    assert {node.display_name: node.phase for node in status.nodes} == {
        "enrollments": "Succeeded",
        "day-clients": "Failed",
        "stats-day-active-hours": "Omitted",
        "day-search": "Succeeded",
        "wf.onExit": "Succeeded",
    }
    assert status.counts == {"Succeeded": 3, "Failed": 1, "Omitted": 1}


def test_nodes_that_argo_has_compressed_are_read_as_well():
    workflow = _failed()
    nodes = workflow["status"].pop("nodes")
    workflow["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()

    assert status_of(workflow) == status_of(_failed())


def test_a_retry_sets_back_what_failed_and_what_waited_for_it_and_keeps_the_rest():
    again = retried(_failed(), now=NOW)

    nodes = again.workflow["status"]["nodes"]
    assert sorted(again.deleted) == ["clients-0", "exit", "exit-0", "stats"]
    assert nodes["clients"]["phase"] == "Running"
    assert nodes["clients"]["children"] == []
    assert nodes["wf"]["phase"] == "Running"
    assert nodes["enroll-1"]["phase"] == "Succeeded"
    assert nodes["enroll-0"]["phase"] == "Failed"  # an attempt before the one that succeeded
    assert nodes["enroll-1"]["children"] == ["clients", "search"]
    assert nodes["search"] == _failed()["status"]["nodes"]["search"]


def test_a_retried_workflow_no_longer_says_that_it_has_ended():
    workflow = retried(_failed(), now=NOW).workflow

    assert workflow["metadata"]["labels"] == {
        "jetstream-argo/experiment": "new-tab",
        "workflows.argoproj.io/phase": "Running",
    }
    status = workflow["status"]
    assert status["phase"] == "Running"
    assert status["startedAt"] == NOW
    assert status["finishedAt"] is None
    assert status["conditions"] == [{"type": "Completed", "status": "False"}]
    assert status["taskResultsCompletionStatus"] == {"enroll-1": True}


@pytest.mark.parametrize(("phase", "said"), [("Running", "is still running"), ("Succeeded", "has succeeded")])
def test_only_a_workflow_that_ended_with_failures_can_be_retried(phase, said):
    workflow = _failed()
    workflow["status"]["phase"] = phase

    with pytest.raises(PlanError, match=said):
        retried(workflow, now=NOW)


def test_a_retry_leaves_the_workflow_that_it_was_given_as_it_was():
    workflow = _failed()

    retried(workflow, now=NOW)

    assert workflow == _failed()


def test_the_pods_of_nodes_that_run_again_are_deleted_and_no_others(server, cluster):
    for node in ("clients-0", "enroll-1"):
        metadata = {
            "name": f"pod-{node}",
            "labels": {"workflows.argoproj.io/workflow": "wf"},
            "annotations": {"workflows.argoproj.io/node-id": node},
        }
        server.objects["pods", f"pod-{node}"] = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}

    cluster.delete_pods("wf", ["clients-0", "stats"])

    assert server.names("pods") == ["pod-enroll-1"]


def _candidate(slug: str) -> Candidate:
    return Candidate(Experiment(slug, "test", (Branch("a"), Branch("b")), start_date=date(2026, 11, 1)))


def _incompressible(letters: int) -> str:
    return "".join(hashlib.sha256(str(number).encode()).hexdigest() for number in range(letters // 64 + 1))


def _failed():
    """A Workflow as Argo leaves it: enrollments needed two attempts, one source failed, the other did not."""

    def node(id, name, type, phase, children=()):
        display = name.removeprefix("wf.") if not name.startswith("wf.onExit") else name
        return {
            "id": id,
            "name": name,
            "displayName": display,
            "type": type,
            "phase": phase,
            "children": list(children),
        }

    nodes = [
        node("wf", "wf", "DAG", "Failed", ["enroll"]),
        node("enroll", "wf.enrollments", "Retry", "Succeeded", ["enroll-0", "enroll-1"]),
        node("enroll-0", "wf.enrollments(0)", "Pod", "Failed"),
        node("enroll-1", "wf.enrollments(1)", "Pod", "Succeeded", ["clients", "search"]),
        node("clients", "wf.day-clients", "Retry", "Failed", ["clients-0"]),
        node("clients-0", "wf.day-clients(0)", "Pod", "Failed", ["stats"]),
        node("stats", "wf.stats-day-active-hours", "Skipped", "Omitted"),
        node("search", "wf.day-search", "Retry", "Succeeded", ["search-0"]),
        node("search-0", "wf.day-search(0)", "Pod", "Succeeded"),
        node("exit", "wf.onExit", "Retry", "Succeeded", ["exit-0"]),
        node("exit-0", "wf.onExit(0)", "Pod", "Succeeded"),
    ]
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {
            "name": "wf",
            "labels": {
                "workflows.argoproj.io/completed": "true",
                "workflows.argoproj.io/phase": "Failed",
                "jetstream-argo/experiment": "new-tab",
            },
        },
        "spec": {"entrypoint": "experiment"},
        "status": {
            "phase": "Failed",
            "startedAt": "2026-11-24T05:00:00Z",
            "finishedAt": "2026-11-24T05:30:00Z",
            "message": "child failed",
            "conditions": [{"type": "Completed", "status": "True"}],
            "nodes": {each["id"]: each for each in nodes},
            "taskResultsCompletionStatus": {"enroll-1": True, "clients-0": True},
        },
    }
