"""The stage that reads sources once for all experiments: off unless it is switched on, and never in the way."""

from typing import Any

import pytest

from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.schedule import cron_workflow
from jetstream_argo.argo.manifest.sharing import SHARE_FIRST

IMAGE = "registry.example/jetstream-argo@sha256:" + "0" * 64


@pytest.fixture
def spec() -> dict[str, Any]:
    """What the CronWorkflow creates every hour."""
    document: Any = cron_workflow(Deployment(image=IMAGE, warehouse="bigquery:p"))
    found: dict[str, Any] = document["spec"]["workflowSpec"]
    return found


@pytest.fixture
def templates(spec: dict[str, Any]) -> dict[str, Any]:
    return {template["name"]: template for template in spec["templates"]}


def test_it_is_off_and_switched_on_by_another_entrypoint(spec: dict[str, Any], templates: dict[str, Any]) -> None:
    assert spec["entrypoint"] == "submit-due"
    assert [task["name"] for task in templates[SHARE_FIRST]["dag"]["tasks"]] == [
        "plan-shared-scans",
        "read-for-all",
        "submit-due",
    ]


def test_experiments_are_submitted_however_it_ends(templates: dict[str, Any]) -> None:
    graph = templates[SHARE_FIRST]["dag"]
    tasks = {task["name"]: task for task in graph["tasks"]}
    ended = {part.rpartition(".")[2] for part in tasks["submit-due"]["depends"].split(" || ")}

    assert graph["failFast"] is False
    assert ended == {"Succeeded", "Failed", "Errored", "Skipped", "Omitted"}
    assert tasks["read-for-all"]["depends"] == "plan-shared-scans.Succeeded"


def test_its_pods_use_the_warehouse_as_workers_and_end_in_time(templates: dict[str, Any]) -> None:
    for name in ("plan-shared-scans", "read-for-all"):
        assert templates[name]["serviceAccountName"] == "jetstream-run"
        assert templates[name]["timeout"] == "30m"
        assert "retryStrategy" not in templates[name]


def test_each_source_is_read_by_a_pod_of_its_own(templates: dict[str, Any]) -> None:
    tasks = {task["name"]: task for task in templates[SHARE_FIRST]["dag"]["tasks"]}
    (left,) = templates["plan-shared-scans"]["outputs"]["parameters"]

    assert tasks["read-for-all"]["withParam"] == "{{tasks.plan-shared-scans.outputs.parameters.scans}}"
    assert left["name"] == "scans"
    assert left["valueFrom"]["path"] in templates["plan-shared-scans"]["container"]["args"]
    assert templates["read-for-all"]["container"]["args"] == ["shared-scan", "--scan", "{{inputs.parameters.scan}}"]
