import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from jetstream_argo.argo.manifest import transport
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.documents import size, to_yaml
from jetstream_argo.argo.manifest.emit import emit, workflow
from jetstream_argo.argo.manifest.layout import layout
from jetstream_argo.argo.manifest.names import label, refuse_one_id, refuse_unusable
from jetstream_argo.argo.manifest.titles import as_shown
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.errors import NotRunnable, PlanError, UnknownReference
from jetstream_argo.plan import codec

DEPLOYMENT = Deployment("registry.example/jetstream-argo@sha256:" + "0" * 64, "bigquery:project?location=EU")
CHECKER = Path(__file__).parents[3] / "shared" / "tools" / "check_workflow.py"


def test_the_manifest_is_the_same_bytes_each_time(make_plan):
    plan = make_plan({"clients": ["active_hours", "uri_count"], "search": ["ads"]})

    assert workflow(plan, DEPLOYMENT) == workflow(make_plan(_sources()), DEPLOYMENT)


def test_the_text_of_the_manifest_reads_back_as_what_was_built(make_plan):
    emitted = emit(make_plan(_sources()), DEPLOYMENT)

    assert list(yaml.safe_load_all(to_yaml(emitted.documents, comment="two\nlines"))) == list(emitted.documents)


def test_each_node_is_a_task_of_its_name_that_waits_for_those_it_needs(make_plan):
    tasks = _tasks(emit(make_plan(_sources(), periods=[Period.DAY, Period.WEEK]), DEPLOYMENT).workflow)

    assert tasks["week-clients-stats"]["depends"] == "week-clients"
    assert "depends" not in tasks["week-active-hours"]
    assert tasks["week-active-hours"]["template"] == "statistics"
    assert tasks["week-ads"]["depends"] == "week-search"
    assert tasks["week-clients"]["depends"] == "day-clients"
    assert tasks["week-clients"]["template"] == "source"
    assert tasks["week-clients"]["arguments"] == {"parameters": [{"name": "node", "value": "week-clients"}]}
    assert "depends" not in tasks["enrollments"]


def test_a_workflow_waits_for_its_experiments_turn_before_it_takes_a_slot(make_plan):
    spec = emit(make_plan(_sources()), DEPLOYMENT).workflow["spec"]

    outer, inner = (_template({"spec": spec}, name) for name in (spec["entrypoint"], "experiment"))
    assert "synchronization" not in spec
    assert outer["synchronization"] == {"mutexes": [{"name": "jetstream-new-tab"}]}
    assert [(task["name"], task["template"]) for task in outer["dag"]["tasks"]] == [("experiment", "experiment")]
    assert _semaphores(inner) == ["experiments"]
    assert "target" in inner["dag"]
    assert "target" not in outer["dag"]
    # Whoever waits for two locks at once stands in the queue of one while it waits for the other.
    locks = [template.get("synchronization", {}) for template in spec["templates"]]
    assert all(len([*lock.get("mutexes", []), *lock.get("semaphores", [])]) <= 1 for lock in locks)


def test_the_page_is_an_artifact_of_publishing_only_where_a_repository_is_configured(make_plan, tmp_path: Path):
    plan = make_plan(_sources())
    with_page = replace(DEPLOYMENT, page_artifact=True)

    publish = _template(emit(plan, with_page).workflow, "publish")

    (artifact,) = publish["outputs"]["artifacts"]
    # Argo shows what is not packed and has a key that ends in .html; the file's name ends the repository's own key.
    assert artifact == {"name": "page", "path": "/tmp/page.html", "archive": {"none": {}}, "optional": True}
    assert {"name": "JETSTREAM_PAGE", "value": "/tmp/page.html"} in publish["container"]["env"]
    assert "artifacts" not in str(emit(plan, DEPLOYMENT).workflow)
    file = tmp_path / "workflow.yaml"
    file.write_text(workflow(plan, with_page))
    subprocess.run([sys.executable, CHECKER, file], check=True)


def test_publishing_alone_knows_the_webhook(make_plan):
    hook = {"name": "JETSTREAM_NOTIFY", "value": "https://hooks.example/jetstream"}

    found = emit(make_plan(_sources()), replace(DEPLOYMENT, notify=hook["value"])).workflow

    assert hook in _template(found, "publish")["container"]["env"]
    assert str(found).count("JETSTREAM_NOTIFY") == 1
    assert "JETSTREAM_NOTIFY" not in str(emit(make_plan(_sources()), DEPLOYMENT).workflow)


def test_publishing_takes_the_experiments_turn_again_and_no_slot(make_plan):
    document = emit(make_plan(_sources()), DEPLOYMENT).workflow

    assert document["spec"]["onExit"] == "publish"
    assert _template(document, "publish")["synchronization"] == {"mutexes": [{"name": "jetstream-new-tab"}]}


def test_without_limits_an_experiment_still_has_one_workflow_at_a_time(make_plan):
    document = emit(make_plan(_sources()), Deployment("image", "bigquery:project", limits="")).workflow

    locks = {template["name"]: template.get("synchronization") for template in document["spec"]["templates"]}
    mutex = {"mutexes": [{"name": "jetstream-new-tab"}]}
    assert {name: lock for name, lock in locks.items() if lock} == {"turn": mutex, "publish": mutex}


def test_time_that_is_spent_waiting_for_a_lock_ends_no_workflow(make_plan):
    spec = emit(make_plan(_sources()), DEPLOYMENT).workflow["spec"]

    assert "activeDeadlineSeconds" not in spec
    deadlines = {template["name"]: template.get("activeDeadlineSeconds") for template in spec["templates"]}
    graphs = {"turn", "experiment", "day-clients-stats", "week-clients-stats"}
    assert {name for name, seconds in deadlines.items() if seconds is None} == graphs
    assert not any(
        "timeout" in template for template in spec["templates"]
    )  # it would count from when a node begins to wait


def test_pods_find_the_plan_in_the_manifest_itself(make_plan):
    plan = make_plan(_sources())

    document = emit(plan, DEPLOYMENT).workflow

    assert transport.unpack(_environment(document)["JETSTREAM_PLAN"], codec.sha256(plan)) == plan
    assert _environment(document)["JETSTREAM_PLAN_SHA256"] == codec.sha256(plan)
    assert set(_parameters(document)) == {"metrics", "warehouse", "export-to"}
    assert json.dumps(document).count(_environment(document)["JETSTREAM_PLAN"]) == 1


def test_a_plan_that_is_too_large_for_a_variable_comes_in_a_config_map(make_plan):
    plan = make_plan(_sources(), description=_incompressible(200_000))

    config_map, document = emit(plan, DEPLOYMENT).documents

    assert size(document) < 20_000
    name = f"jetstream-plan-{codec.sha256(plan)[:32]}"
    assert config_map["metadata"]["name"] == name
    assert {"name": "plan", "configMap": {"name": name}} in document["spec"]["volumes"]
    assert _environment(document)["JETSTREAM_PLAN_FILE"] == "/etc/jetstream/plan.json.gz"
    assert {"name": "plan", "mountPath": "/etc/jetstream", "readOnly": True} in _template(document, "publish")[
        "container"
    ]["volumeMounts"]


def test_a_large_plan_comes_as_an_object_where_there_is_a_folder_for_it(make_plan):
    plan = make_plan(_sources(), description=_incompressible(200_000))

    emitted = emit(plan, Deployment("image", "bigquery:project", plans="gs://bucket/plans/"))

    assert emitted.documents == (emitted.workflow,)
    assert emitted.storage.url == f"gs://bucket/plans/{codec.sha256(plan)}.json.gz"
    assert _environment(emitted.workflow)["JETSTREAM_PLAN_URL"] == emitted.storage.url
    assert transport.read(emitted.storage.data, codec.sha256(plan), where="object") == plan


def test_a_plan_too_large_for_any_config_map_asks_for_a_folder(make_plan):
    plan = make_plan(_sources(), description=_incompressible(2_000_000))

    with pytest.raises(PlanError, match="name a folder for plans"):
        emit(plan, DEPLOYMENT)


def test_a_plan_with_nothing_due_has_no_workflow(make_plan):
    with pytest.raises(NotRunnable, match="nothing is due as of 2026-11-23"):
        emit(make_plan({}, periods=[]), DEPLOYMENT)


def test_more_nodes_than_argo_holds_are_an_error_that_says_what_to_do(make_plan):
    with pytest.raises(PlanError, match=r"needs .* nodes, 150 are allowed; split"):
        emit(make_plan({f"source_{n}": ["x"] for n in range(80)}), DEPLOYMENT)


def test_a_workflow_that_is_created_once_has_one_name_for_its_plan_and_metrics(make_plan):
    plan = make_plan(_sources())

    whole = emit(plan, DEPLOYMENT).workflow["metadata"]["name"]
    part = emit(plan, DEPLOYMENT, metrics=["ads"]).workflow["metadata"]["name"]

    assert whole == f"jetstream-new-tab-2026-11-23-{codec.sha256(plan)[:8]}"
    assert part != whole
    assert part.startswith("jetstream-new-tab-2026-11-23-")


def test_chosen_metrics_become_the_parameter_and_unknown_ones_are_refused(make_plan):
    plan = make_plan(_sources())

    assert _parameters(emit(plan, DEPLOYMENT, metrics=["ads", "uri_count"]).workflow)["metrics"] == "ads,uri_count"
    with pytest.raises(UnknownReference, match="did you mean 'ads'"):
        emit(plan, DEPLOYMENT, metrics=["adz"])


def test_people_see_the_date_first_and_which_metrics_there_are(make_plan):
    document = emit(make_plan(_sources(), slug="checkout"), DEPLOYMENT).workflow

    assert document["metadata"]["annotations"]["workflows.argoproj.io/title"] == "2026-11-23 checkout"
    (metrics,) = (
        parameter for parameter in document["spec"]["arguments"]["parameters"] if parameter["name"] == "metrics"
    )
    assert "active_hours, uri_count, ads" in metrics["description"]
    name = "workflows.argoproj.io/display-name"
    assert _template(document, "turn")["annotations"] == {name: "checkout.2026-11-23"}
    # By the end of its name Argo knows that it belongs to the exit handler, which a stop does not end.
    assert _template(document, "publish")["annotations"] == {name: "publish.onExit"}


def test_statistics_that_wait_for_the_same_nodes_are_a_graph_of_their_own(make_plan):
    document = emit(make_plan(_sources(), periods=[Period.WEEK]), DEPLOYMENT).workflow

    group = _template(document, "week-clients-stats")["dag"]
    assert [task["name"] for task in group["tasks"]] == ["week-active-hours", "week-uri-count"]
    assert group["failFast"] is False
    assert "active_hours" in group["target"]
    outer = [task["name"] for task in _template(document, "experiment")["dag"]["tasks"]]
    assert "week-clients-stats" in outer
    assert "week-ads" in outer  # alone, it needs none
    assert "week-uri-count" not in outer


def test_the_first_wait_before_a_further_attempt_is_short(make_plan):
    document = emit(make_plan(_sources()), DEPLOYMENT).workflow

    backoff = _template(document, "statistics")["retryStrategy"]["backoff"]
    assert backoff == {"duration": "5s", "factor": "6", "cap": "10m"}


HOSTILE = [
    "x" * 300,
    "UPPER_and-lower",
    "1-click-set-to-default",
    "-starts-and-ends-",
    "émoji-🦊-日本語",
    "{{workflow.uid}}",
    "a'b\"c`d$(e);f\ng",
    "**bold** [link](x)",
    "...",
]


@pytest.mark.parametrize("slug", HOSTILE)
def test_any_slug_gives_names_that_kubernetes_takes(make_plan, slug):
    document = emit(make_plan(_sources(), slug=slug), DEPLOYMENT).workflow

    metadata = document["metadata"]
    assert len(metadata["name"]) <= 63
    assert metadata["name"].replace("-", "").isalnum()
    assert metadata["name"].isascii()
    assert metadata["name"] == metadata["name"].lower()
    for value in (*metadata["labels"].values(), *document["spec"]["podMetadata"]["labels"].values()):
        assert label(value) == value
    assert "{{" not in json.dumps(metadata)


@pytest.mark.parametrize("slug", HOSTILE)
def test_hostile_names_of_sources_and_metrics_stay_apart_and_valid(make_plan, slug):
    names = [slug, slug.upper(), slug.replace("-", "_"), f"{slug}_", f"all-{slug}", "all"]
    plan = make_plan({name: [f"{name}.metric", name] for name in dict.fromkeys(names)})

    document = emit(plan, DEPLOYMENT).workflow

    _check(document)
    found = layout(build_dag(plan))
    targets = found.targets()
    assert {node for nodes in targets.values() for node in nodes} <= _tasks(document).keys()
    assert len(targets) == len(plan.metrics) + 1  # the units of each branch are counted as one more
    shown = [as_shown(f"{title}(0)") for title in found.titles.values()]
    assert len(set(shown)) == len(shown)


def test_a_slug_that_is_no_label_is_told_apart_from_another_by_its_hash():
    assert label("new-tab") == "new-tab"
    assert label("x" * 300) != label("x" * 301)
    assert label("new tab") != label("new-tab")


def test_names_that_argo_cannot_evaluate_or_would_confuse_are_refused():
    for name in ("in", "1-day", "a_b", "a.b", "", "x" * 129):
        with pytest.raises(PlanError, match="Argo cannot name a task so"):
            refuse_unusable([name])
    with pytest.raises(PlanError, match="two nodes have this name"):
        refuse_unusable(["a", "a"])


def test_two_nodes_of_one_hash_are_refused():
    # FNV-1a, 32 bits: "wf.ne35d7a57" and "wf.nc372b25e" have one hash; found by going through random names.
    with pytest.raises(PlanError, match=r"Argo takes nodes 'wf.ne35d7a57' and 'wf.nc372b25e' for one"):
        refuse_one_id("wf", ["ne35d7a57", "nc372b25e"])


@pytest.mark.skipif(not CHECKER.exists(), reason="needs ../shared")
@pytest.mark.parametrize("metrics", [(), ("ads",)])
@pytest.mark.parametrize("size_of_description", [0, 200_000])
def test_the_manifest_holds_against_argos_own_schema(make_plan, tmp_path, metrics, size_of_description):
    plan = make_plan(_sources(), description=_incompressible(size_of_description))
    file = tmp_path / "workflow.yaml"
    file.write_text(to_yaml(emit(plan, DEPLOYMENT, metrics=metrics).documents) + "---\n" + workflow(plan, DEPLOYMENT))

    check = subprocess.run([sys.executable, str(CHECKER), str(file)], capture_output=True, text=True, check=False)

    assert check.returncode == 0, check.stdout


def _sources():
    return {"clients": ["active_hours", "uri_count"], "search": ["ads"]}


def _incompressible(letters: int) -> str:
    blocks = (hashlib.sha256(str(number).encode()).hexdigest() for number in range(letters // 64 + 1))
    return "".join(blocks)[:letters]


def _check(document) -> None:
    names = list(_tasks(document))
    refuse_unusable(names)
    assert all(name == name.lower() and "_" not in name for name in names)


def _template(document, name):
    return next(template for template in document["spec"]["templates"] if template["name"] == name)


def _tasks(document):
    """Return all tasks but that of the whole graph, those in groups too."""
    graphs = [template["dag"] for template in document["spec"]["templates"][1:] if "dag" in template]
    return {task["name"]: task for graph in graphs for task in graph["tasks"]}


def _semaphores(template):
    return [semaphore["configMapKeyRef"]["key"] for semaphore in template["synchronization"]["semaphores"]]


def _environment(document):
    """Return what every container has."""
    return {
        variable["name"]: variable["value"] for variable in document["spec"]["templateDefaults"]["container"]["env"]
    }


def _parameters(document):
    return {parameter["name"]: parameter["value"] for parameter in document["spec"]["arguments"]["parameters"]}
