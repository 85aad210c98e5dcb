import pytest

from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.schedule import cron_workflow, workflow_template

DEPLOYMENT = Deployment("image", "bigquery:project")


@pytest.fixture
def planners():
    specs = (cron_workflow(DEPLOYMENT)["spec"]["workflowSpec"], workflow_template(DEPLOYMENT)["spec"])
    return [template for spec in specs for template in spec["templates"] if template["name"] == spec["entrypoint"]]


def test_what_a_planner_says_when_it_fails_is_its_workflows_message(planners):
    """Argo puts a word on the expression there, where a retry strategy has one."""
    assert planners
    for planner in planners:
        assert planner["retryStrategy"] == {"limit": "3", "retryPolicy": "OnError"}


def test_what_a_planner_says_when_it_succeeds_is_an_output_of_its_node(planners):
    for planner in planners:
        (parameter,) = planner["outputs"]["parameters"]
        variables = {variable["name"]: variable.get("value") for variable in planner["container"]["env"]}
        assert parameter["name"] == "result"
        assert parameter["valueFrom"]["path"] == variables["JETSTREAM_RESULT"]
