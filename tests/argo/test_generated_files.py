import base64
import json
import re
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml

from jetstream_argo.storage.http import check_host
from workflows.regenerate import ROOT, generated

CHECKER = ROOT.parent / "shared" / "tools" / "check_workflow.py"
_PLACEHOLDER = re.compile(r"<[-a-z]+>")
FILES = [*sorted((ROOT / "workflows").glob("*.yaml")), *sorted((ROOT / "k8s").rglob("*.yaml"))]


def test_committed_manifests_are_what_the_generator_emits():
    for file, text in generated().items():
        found, expected = (list(map(_readable, yaml.safe_load_all(content))) for content in (file.read_text(), text))
        assert found == expected, f"{file.relative_to(ROOT)} is old: python workflows/regenerate.py"


def test_no_example_is_left_over():
    assert set((ROOT / "workflows").glob("*.yaml")) == {file for file in generated() if file.parent.name == "workflows"}


@pytest.mark.skipif(not CHECKER.exists(), reason="needs ../shared")
def test_all_committed_manifests_hold_against_argos_own_schema():
    check = subprocess.run(
        [sys.executable, str(CHECKER), *map(str, FILES)], capture_output=True, text=True, check=False
    )

    assert check.returncode == 0, check.stdout


@pytest.fixture
def k8s(tmp_path):
    """A copy of the kustomizations, to edit."""
    if shutil.which("kubectl") is None:
        pytest.skip("needs kubectl, for its kustomize")
    return Path(shutil.copytree(ROOT / "k8s", tmp_path / "k8s"))


@pytest.mark.parametrize("folder", ["base", "overlays/gke", "overlays/small"])
def test_the_kustomizations_build_and_planner_and_workers_run_one_image(k8s, folder):
    _fill_in(k8s / folder / "settings.yaml")

    built = _kustomized(k8s / folder)

    assert built.returncode == 0, built.stderr
    if CHECKER.exists():
        _check(built.stdout, k8s / "built.yaml")
    objects = {
        (document["kind"], document["metadata"]["name"]): document for document in yaml.safe_load_all(built.stdout)
    }
    image = objects["ConfigMap", "jetstream-settings"]["data"]["JETSTREAM_IMAGE"]
    template = objects["WorkflowTemplate", "jetstream-analyse"]["spec"]["templates"][0]
    cron = objects["CronWorkflow", "jetstream-daily"]["spec"]["workflowSpec"]["templates"][0]
    assert template["container"]["image"] == cron["container"]["image"] == image
    pods = objects["ConfigMap", "jetstream-settings"]["data"]["JETSTREAM_PODS"]
    specs = (
        objects["WorkflowTemplate", "jetstream-analyse"]["spec"],
        objects["CronWorkflow", "jetstream-daily"]["spec"]["workflowSpec"],
    )
    assert [spec["podSpecPatch"] for spec in specs] == [pods, pods]
    templates = objects["CronWorkflow", "jetstream-daily"]["spec"]["workflowSpec"]["templates"]
    assert {template["container"]["image"] for template in templates if "container" in template} == {image}
    assert all(document["metadata"].get("namespace", "jetstream") == "jetstream" for document in objects.values())


@pytest.mark.parametrize("overlay", ["gke", "small"])
def test_an_overlay_with_any_placeholder_left_cannot_be_built_so_that_nothing_is_applied(k8s, overlay):
    settings = k8s / "overlays" / overlay / "settings.yaml"
    asked = settings.read_text()

    placeholders = _PLACEHOLDER.findall(asked)
    _fill_in(settings)
    filled = settings.read_text()
    refusals = {}
    for placeholder, value in zip(placeholders, _examples(asked), strict=True):
        settings.write_text(filled.replace(f" {value}\n", f" {placeholder}\n"))
        refusals[placeholder] = _kustomized(settings.parent)

    assert placeholders
    for placeholder, refused in refusals.items():
        assert refused.returncode != 0, placeholder
        assert refused.stdout == ""
        assert placeholder in refused.stderr


def test_a_copy_of_an_overlay_works_elsewhere_with_the_base_by_its_address(k8s, tmp_path):
    git = ["git", "-C", str(k8s.parent), "-c", "user.name=x", "-c", "user.email=x"]
    for words in (["init", "-q"], ["add", "k8s/base"], ["commit", "-q", "-m", "base"], ["tag", "v1"]):
        subprocess.run([*git, *words], check=True)
    copy = Path(shutil.copytree(k8s / "overlays/gke", tmp_path / "elsewhere/mine"))
    kustomization = copy / "kustomization.yaml"
    kustomization.write_text(
        kustomization.read_text().replace("- ../../base", f"- file://{k8s.parent}//k8s/base?ref=v1")
    )
    _fill_in(copy / "settings.yaml")
    _fill_in(k8s / "overlays/gke/settings.yaml")

    built = _kustomized(copy)

    assert built.returncode == 0, built.stderr
    assert built.stdout == _kustomized(k8s / "overlays/gke").stdout


@pytest.mark.parametrize("entrypoint", ["submit-due", "share-first"])
def test_a_setting_says_whether_sources_are_read_once_for_all_experiments_first(k8s, entrypoint):
    settings = k8s / "overlays/small/settings.yaml"
    _fill_in(settings)
    settings.write_text(settings.read_text().replace("JETSTREAM_DAILY: submit-due", f"JETSTREAM_DAILY: {entrypoint}"))

    objects = {document["kind"]: document for document in yaml.safe_load_all(_kustomized(settings.parent).stdout)}

    assert objects["CronWorkflow"]["spec"]["workflowSpec"]["entrypoint"] == entrypoint


def test_pods_of_planners_have_the_annotations_of_the_settings_file(k8s):
    settings = k8s / "overlays/gke/settings.yaml"
    _fill_in(settings)
    settings.write_text(re.sub("^#(?=[-a-z])", "", settings.read_text(), flags=re.MULTILINE))

    objects = {document["kind"]: document for document in yaml.safe_load_all(_kustomized(settings.parent).stdout)}

    specs = (objects["WorkflowTemplate"]["spec"], objects["CronWorkflow"]["spec"]["workflowSpec"])
    assert [spec["podMetadata"]["annotations"] for spec in specs] == [{"sidecar.istio.io/inject": "false"}] * 2


def test_what_manifests_name_exists_in_the_base():
    base = _objects(ROOT / "k8s" / "base")
    for file in generated():
        *_, document = yaml.safe_load_all(file.read_text())
        spec = document["spec"].get("workflowSpec", document["spec"])
        assert ("ServiceAccount", spec["serviceAccountName"]) in base
        locks = [spec.get("synchronization") or {}]
        locks += [template.get("synchronization") or {} for template in spec["templates"]]
        for semaphore in (semaphore_of_lock for lock in locks for semaphore_of_lock in lock.get("semaphores", [])):
            selected = semaphore["configMapKeyRef"]
            assert selected["key"] in base["ConfigMap", selected["name"]]["data"]


def test_a_worker_sees_no_token_and_its_account_may_only_report_to_argo():
    base = _objects(ROOT / "k8s" / "base")

    rules = [rule for role in _bound_to(base, "jetstream-run") for rule in base["Role", role]["rules"]]
    assert rules == [{"apiGroups": ["argoproj.io"], "resources": ["workflowtaskresults"], "verbs": ["create", "patch"]}]
    for file in (ROOT / "workflows").glob("*.yaml"):
        *_, workflow = yaml.safe_load_all(file.read_text())
        empty = {volume["name"] for volume in workflow["spec"]["volumes"] if "emptyDir" in volume}
        for template in workflow["spec"]["templates"]:
            mounts = {mount["mountPath"]: mount for mount in template.get("container", {}).get("volumeMounts", [])}
            if mounts:
                over_token = mounts["/var/run/secrets/kubernetes.io/serviceaccount"]
                assert over_token["name"] in empty
                assert over_token["readOnly"] is True


def test_the_planner_may_create_and_get_workflows_and_change_nothing():
    base = _objects(ROOT / "k8s" / "base")

    rights = {
        (resource, verb)
        for role in _bound_to(base, "jetstream-planner")
        for rule in base["Role", role]["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }
    assert rights == {
        ("workflows", "create"),
        ("workflows", "get"),
        ("workflowtaskresults", "create"),
        ("workflowtaskresults", "patch"),
    }


def test_no_token_is_kept_in_a_secret():
    assert not [kind for kind, _ in _objects(ROOT / "k8s" / "base") if kind == "Secret"]


@pytest.mark.parametrize("file", ["base/network.yaml", "overlays/gke/network.yaml"])
def test_every_rule_of_the_network_says_where_to(file):
    policy = yaml.safe_load((ROOT / "k8s" / file).read_text())

    for rule in policy["spec"]["egress"]:
        assert rule["to"]
        assert rule["ports"]
        for peer in rule["to"]:
            if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0":
                private = {"10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"}
                assert private | {"192.168.0.0/16"} == set(peer["ipBlock"]["except"])
                assert rule["ports"] == [{"protocol": "TCP", "port": 443}]


@pytest.mark.parametrize("folder", ["base", "overlays/gke", "overlays/small"])
def test_what_kustomize_replaces_is_there(folder):
    """As far as it can be told without kustomize: every replacement leads to a field, which its target has."""
    base = _objects(ROOT / "k8s" / "base")
    kustomization = yaml.safe_load((ROOT / "k8s" / folder / "kustomization.yaml").read_text())
    for resource in kustomization["resources"]:
        assert (ROOT / "k8s" / folder / resource).exists()
    settings = _objects(ROOT / "k8s" / folder)["ConfigMap", "jetstream-settings"]["data"]
    for replacement in kustomization["replacements"]:
        source = replacement["source"]
        key = source["fieldPath"].removeprefix("data.")
        assert (base[source["kind"], source["name"]]["data"] | settings)[key]
        for target in replacement["targets"]:
            if target.get("options", {}).get("create"):
                continue
            chosen = [document for (kind, _), document in base.items() if kind == target["select"]["kind"]]
            for document in chosen:
                for path in target["fieldPaths"]:
                    assert _at(document, path.split("."))


def test_hosts_of_the_addresses_in_the_settings_may_be_asked(monkeypatch):
    settings = _objects(ROOT / "k8s" / "base")["ConfigMap", "jetstream-settings"]["data"]
    monkeypatch.setenv("JETSTREAM_HOSTS", settings["JETSTREAM_HOSTS"])

    check_host(settings["JETSTREAM_EXPERIMENTS"])
    check_host(settings["JETSTREAM_DEFINITIONS_ARCHIVE"])


def _examples(settings):
    """Return what the comments of settings give as an example for each placeholder."""
    return [
        line.split(" # ")[1].replace("…", "0123456789abcdef" * 4)
        for line in settings.splitlines()
        if _PLACEHOLDER.search(line.split(" # ")[0]) and not line.startswith("#")
    ]


def _fill_in(file: Path) -> None:
    """Put the examples of their comments in place of a settings file's placeholders."""
    text = file.read_text()
    for placeholder, example in zip(_PLACEHOLDER.findall(text), _examples(text), strict=True):
        line = next(line for line in text.splitlines() if f" {placeholder} # " in line)
        text = text.replace(line, line.split(placeholder)[0] + example)
    file.write_text(text)


def _check(manifests: str, file: Path) -> None:
    """Hold what was built against Argo's own schema."""
    file.write_text(manifests)
    check = subprocess.run([sys.executable, str(CHECKER), str(file)], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout


def _kustomized(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)


def _bound_to(base, account):
    return [
        binding["roleRef"]["name"]
        for (kind, _), binding in base.items()
        if kind == "RoleBinding" and account in [subject["name"] for subject in binding["subjects"]]
    ]


def _at(value, path):
    """Return what is at a path of kustomize's, in which a number or * leads into a list."""
    for step in path:
        value = value[0 if step == "*" else int(step)] if isinstance(value, list) else value[step]
    return value


def _objects(folder: Path):
    documents = [
        document for file in sorted(folder.glob("*.yaml")) for document in yaml.safe_load_all(file.read_text())
    ]
    return {
        (document["kind"], document["metadata"]["name"]): document for document in documents if "metadata" in document
    }


def _readable(document):
    """Return a document with the plan's JSON in place of its compressed text, which depends on zlib's version."""
    for variable in document["spec"].get("templateDefaults", {}).get("container", {}).get("env", []):
        if variable["name"] == "JETSTREAM_PLAN":
            variable["value"] = json.loads(zlib.decompress(base64.b64decode(variable["value"])))
    return document
