import base64
import gzip
import json
from datetime import UTC, datetime

import pytest

from jetstream_argo.argo.cluster.retry import retried, seconds_until_settled
from jetstream_argo.argo.cluster.status import status_of
from jetstream_argo.errors import PlanError

NOW = "2026-11-24T06:00:00Z"


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


def test_what_a_workflow_waits_for_is_said_before_it_has_any_task():
    waits = "Waiting for jetstream/Mutex/jetstream-new-tab lock. Lock status: 0/1"
    workflow = _failed()
    group: dict[str, object] = {
        "id": "wf",
        "name": "wf",
        "displayName": "wf",
        "type": "DAG",
        "phase": "Pending",
        "message": waits,
    }
    group["synchronizationStatus"] = {"waiting": "jetstream/Mutex/jetstream-new-tab"}
    workflow["status"] = {"phase": "Running", "nodes": {"wf": group}}

    status = status_of(workflow)

    assert status.phase == "Running"
    assert status.message == waits
    assert status.nodes == ()


def test_a_workflow_of_before_whose_graph_is_its_entrypoint_reads_and_retries_the_same():
    old, new = _failed(nested=False), _failed()

    assert status_of(old).counts == status_of(new).counts
    assert retried(old, now=NOW).deleted == retried(new, now=NOW).deleted
    assert "graph" not in retried(old, now=NOW).workflow["status"]["nodes"]


def test_a_task_that_failed_says_why_and_not_that_it_was_not_tried_again():
    messages = {node.display_name: node.message for node in status_of(_failed()).nodes}

    assert messages["day-clients"] == "Error (exit code 2): no table"
    assert messages["enrollments"] == ""


def test_nodes_that_argo_has_compressed_are_read_as_well():
    workflow = _failed()
    nodes = workflow["status"].pop("nodes")
    workflow["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()

    assert status_of(workflow) == status_of(_failed())


@pytest.mark.parametrize(("second", "wait"), [(0, 5.0), (2, 3.0), (5, 0.0), (59, 0.0)])
def test_a_workflow_is_left_alone_for_some_seconds_after_its_end(second: int, wait: float):
    now = datetime(2026, 11, 24, 5, 30, second, tzinfo=UTC)

    assert seconds_until_settled(status_of(_failed()), now) == wait


def test_a_retry_sets_back_what_failed_and_what_waited_for_it_and_keeps_the_rest():
    again = retried(_failed(), now=NOW)

    nodes = again.workflow["status"]["nodes"]
    assert sorted(again.deleted) == ["clients-0", "exit", "exit-0", "stats"]
    assert nodes["clients"]["phase"] == "Running"
    assert nodes["clients"]["children"] == []
    assert nodes["wf"]["phase"] == nodes["graph"]["phase"] == "Running"
    assert nodes["wf"]["children"] == ["graph"]
    assert nodes["graph"]["children"] == ["enroll"]
    assert nodes["enroll-1"]["phase"] == "Succeeded"
    assert nodes["enroll-0"]["phase"] == "Failed"  # an attempt before the one that succeeded
    assert nodes["enroll-1"]["children"] == ["clients", "search"]
    assert nodes["search"] == _failed()["status"]["nodes"]["search"]


def test_a_graph_that_went_on_after_the_failure_within_it_is_set_back_as_well():
    workflow = _failed()
    workflow["status"]["nodes"]["wf"]["phase"] = "Succeeded"

    nodes = retried(workflow, now=NOW).workflow["status"]["nodes"]

    assert nodes["wf"]["phase"] == nodes["graph"]["phase"] == "Running"
    assert retried(workflow, now=NOW).deleted == retried(_failed(), now=NOW).deleted


def test_a_group_in_which_nothing_failed_stays_as_it_is():
    workflow = _failed()
    group = {
        **workflow["status"]["nodes"]["search"],
        "id": "group",
        "name": "wf.experiment.day-search-stats",
        "type": "DAG",
    }
    workflow["status"]["nodes"]["group"] = group

    assert retried(workflow, now=NOW).workflow["status"]["nodes"]["group"] == group


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


@pytest.mark.parametrize(("phase", "message"), [("Running", "is still running"), ("Succeeded", "has succeeded")])
def test_only_a_workflow_that_ended_with_failures_can_be_retried(phase, message):
    workflow = _failed()
    workflow["status"]["phase"] = phase

    with pytest.raises(PlanError, match=message):
        retried(workflow, now=NOW)


def test_a_retry_leaves_the_workflow_that_it_was_given_as_it_was():
    workflow = _failed()

    retried(workflow, now=NOW)

    assert workflow == _failed()


def _failed(*, nested: bool = True):
    """A Workflow as Argo leaves it: enrollments needed two attempts, one source failed, the other did not.

    Its graph is `nested` in the template that waits for the experiment's turn.
    """
    graph = "wf.experiment" if nested else "wf"

    def node(id, name, type, phase, children=(), message=""):
        display = name.removeprefix("wf.experiment.").removeprefix("wf.") if "onExit" not in name else name
        return {
            "id": id,
            "name": name,
            "displayName": display,
            "type": type,
            "phase": phase,
            "children": list(children),
            "message": message,
        }

    nodes = [
        node("wf", "wf", "DAG", "Failed", ["graph" if nested else "enroll"]),
        *([node("graph", graph, "DAG", "Failed", ["enroll"])] if nested else []),
        node("enroll", f"{graph}.enrollments", "Retry", "Succeeded", ["enroll-0", "enroll-1"]),
        node("enroll-0", f"{graph}.enrollments(0)", "Pod", "Failed"),
        node("enroll-1", f"{graph}.enrollments(1)", "Pod", "Succeeded", ["clients", "search"]),
        # As Argo 4.0.5 says it.
        node(
            "clients",
            f"{graph}.day-clients",
            "Retry",
            "Failed",
            ["clients-0"],
            "retryStrategy.expression evaluated to false",
        ),
        node("clients-0", f"{graph}.day-clients(0)", "Pod", "Failed", ["stats"], "Error (exit code 2): no table"),
        node("stats", f"{graph}.stats-day-active-hours", "Skipped", "Omitted"),
        node("search", f"{graph}.day-search", "Retry", "Succeeded", ["search-0"]),
        node("search-0", f"{graph}.day-search(0)", "Pod", "Succeeded"),
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
            "nodes": {node["id"]: node for node in nodes},
            "taskResultsCompletionStatus": {"enroll-1": True, "clients-0": True},
        },
    }
