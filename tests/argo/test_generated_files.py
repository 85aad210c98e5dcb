import base64
import json
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

from workflows.regenerate import ROOT, generated

CHECKER = ROOT.parent / "shared" / "tools" / "check_workflow.py"
FILES = [*sorted((ROOT / "workflows").glob("*.yaml")), *sorted((ROOT / "k8s").rglob("*.yaml"))]


def test_committed_manifests_are_what_the_generator_emits():
    for file, text in generated().items():
        found, expected = (list(map(_readable, yaml.safe_load_all(each))) for each in (file.read_text(), text))
        assert found == expected, f"{file.relative_to(ROOT)} is old: python workflows/regenerate.py"


def test_no_example_is_left_over():
    assert set((ROOT / "workflows").glob("*.yaml")) == {file for file in generated() if file.parent.name == "workflows"}


@pytest.mark.skipif(not CHECKER.exists(), reason="needs ../shared")
def test_all_committed_manifests_hold_against_argos_own_schema():
    check = subprocess.run(
        [sys.executable, str(CHECKER), *map(str, FILES)], capture_output=True, text=True, check=False
    )

    assert check.returncode == 0, check.stdout


@pytest.mark.parametrize("folder", ["base", "overlays/gke"])
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="needs kubectl, for its kustomize")
def test_the_kustomizations_build_and_planner_and_workers_run_one_image(folder):
    built = subprocess.run(
        ["kubectl", "kustomize", str(ROOT / "k8s" / folder)], capture_output=True, text=True, check=True
    )

    objects = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(built.stdout)}
    image = objects["ConfigMap", "jetstream-settings"]["data"]["JETSTREAM_IMAGE"]
    template = objects["WorkflowTemplate", "jetstream-analyse"]["spec"]["templates"][0]
    cron = objects["CronWorkflow", "jetstream-daily"]["spec"]["workflowSpec"]["templates"][0]
    assert template["container"]["image"] == cron["container"]["image"] == image
    assert all(each["metadata"].get("namespace", "jetstream") == "jetstream" for each in objects.values())


def test_what_manifests_name_exists_in_the_base():
    base = _objects(ROOT / "k8s" / "base")
    for file in generated():
        *_, document = yaml.safe_load_all(file.read_text())
        spec = document["spec"].get("workflowSpec", document["spec"])
        assert ("ServiceAccount", spec["serviceAccountName"]) in base
        assert ("ServiceAccount", spec["executor"]["serviceAccountName"]) in base
        # Argo finds it by this name.
        assert ("Secret", f"{spec['executor']['serviceAccountName']}.service-account-token") in base
        locks = [spec.get("synchronization") or {}]
        locks += [template.get("synchronization") or {} for template in spec["templates"]]
        for semaphore in (each for lock in locks for each in lock.get("semaphores", [])):
            selected = semaphore["configMapKeyRef"]
            assert selected["key"] in base["ConfigMap", selected["name"]]["data"]


def test_workers_have_no_rights_in_the_cluster():
    base = _objects(ROOT / "k8s" / "base")

    bound = {
        subject["name"] for (kind, _), each in base.items() if kind == "RoleBinding" for subject in each["subjects"]
    }
    assert "jetstream-run" not in bound
    assert base["ServiceAccount", "jetstream-run"]["automountServiceAccountToken"] is False


def _objects(folder: Path):
    documents = [each for file in sorted(folder.glob("*.yaml")) for each in yaml.safe_load_all(file.read_text())]
    return {(each["kind"], each["metadata"]["name"]): each for each in documents if "metadata" in each}


def _readable(document):
    """Return a document with the plan's JSON in place of its compressed text, which depends on zlib's version."""
    for parameter in document["spec"].get("arguments", {}).get("parameters", []):
        if parameter["name"] == "plan":
            parameter["value"] = json.loads(zlib.decompress(base64.b64decode(parameter["value"])))
    return document
