import pytest

from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.argo.manifest.schedule import cron_workflow, workflow_template
from jetstream_argo.argo.manifest.settings import pod_annotations, pod_patch, refuse_placeholders
from jetstream_argo.errors import ConfigError

PATCH = """
nodeSelector: {pool: analysis}
tolerations: [{key: spot, operator: Exists}]
imagePullSecrets: [{name: registry}]
priorityClassName: batch
volumes: [{name: warehouse, persistentVolumeClaim: {claimName: warehouse}}]
containers: [{name: main, env: [{name: TZ, value: UTC}], volumeMounts: [{name: warehouse, mountPath: /warehouse}]}]
"""


def test_a_patch_over_pods_reaches_workers_and_planners_as_it_was_written(make_plan):
    deployment = Deployment("image", "embedded:/warehouse", pods=pod_patch(PATCH, where="settings"))

    worker = emit(make_plan({"clients": ["x"]}), deployment).workflow["spec"]
    cron, template = cron_workflow(deployment)["spec"]["workflowSpec"], workflow_template(deployment)["spec"]

    assert [spec["podSpecPatch"] for spec in (worker, cron, template)] == [PATCH] * 3


@pytest.mark.parametrize("text", ["", "{}", "# nothing\n"])
def test_a_patch_that_says_nothing_is_none(make_plan, text):
    deployment = Deployment("image", "bigquery:project", pods=pod_patch(text, where="settings"))

    assert "podSpecPatch" not in emit(make_plan({"clients": ["x"]}), deployment).workflow["spec"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "is no mapping"),
        ("pool", "is no mapping"),
        ("a: [", "is not YAML"),
        ("tolerations: {key: spot}", "tolerations: must be a list"),
        ("containers: [{name: worker}]", "'worker' is none of ours; write `name: main`"),
        ("containers: [main]", "None is none of ours"),
    ],
)
def test_a_patch_that_cannot_be_meant_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        pod_patch(text, where="settings")


@pytest.mark.parametrize(
    "value",
    ["bigquery:<your-project>?location=US", "gs://<your-bucket>", "bigquery:YOUR-PROJECT"],
)
def test_what_is_still_a_placeholder_is_refused(value):
    with pytest.raises(ConfigError, match=r"warehouse: is still '.*': put your own there"):
        refuse_placeholders({"image": "registry/image@sha256:12", "warehouse": value})


def test_what_is_no_placeholder_is_not_refused():
    refuse_placeholders({"image": "registry/image@sha256:" + "0123456789abcdef" * 4, "x": "a < b > c"})


def test_annotations_are_those_of_every_pod(make_plan):
    annotations = pod_annotations('{example.com/inject: "false"}', where="settings")
    deployment = Deployment("image", "bigquery:project", annotations=annotations)

    worker = emit(make_plan({"clients": ["x"]}), deployment).workflow["spec"]
    cron, template = cron_workflow(deployment)["spec"]["workflowSpec"], workflow_template(deployment)["spec"]

    found = [spec["podMetadata"]["annotations"] for spec in (worker, cron, template)]
    assert found == [{"example.com/inject": "false"}] * 3


@pytest.mark.parametrize("text", ["", "{}"])
def test_no_annotations_are_none(make_plan, text):
    deployment = Deployment("image", "bigquery:p", annotations=pod_annotations(text, where="settings"))

    assert "annotations" not in emit(make_plan({"clients": ["x"]}), deployment).workflow["spec"]["podMetadata"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("example.com/inject: false", "False is no text; put quotes around it"),
        ("[a]", "is no mapping such as"),
        ("two words: x", "no annotation can be called so"),
        ("a/b/c: x", "no annotation can be called so"),
        ("a: [", "is not YAML"),
    ],
)
def test_annotations_that_kubernetes_would_refuse_are_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        pod_annotations(text, where="settings")
