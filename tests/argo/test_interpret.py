import hashlib
import json
import os
import sys
import threading
from pathlib import Path

import pytest
import yaml

from jetstream_argo.argo.emulator.graph import Phase, may_start, phase_of
from jetstream_argo.argo.emulator.interpret import interpret
from jetstream_argo.argo.emulator.manifest import Task, read_manifest
from jetstream_argo.argo.emulator.pods import Here
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.documents import to_yaml
from jetstream_argo.argo.manifest.emit import emit
from jetstream_argo.config.model import Period
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.errors import ConfigError, PlanError, UnknownReference

SOURCES = {"clients": ["active_hours", "uri_count"], "search": ["ads"]}
WORKER = Path(__file__).parent / "fake_worker.py"
OMITTED, FAILED, SUCCEEDED = Phase.OMITTED, Phase.FAILED, Phase.SUCCEEDED


class Cluster:
    """Runs manifests with the fake worker, and knows what ran."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.journal = folder / "journal"
        self.journal.mkdir()
        self.runs = 0

    def run(self, manifest, *, endings=None, parameters=None, done=frozenset(), jobs=4, watch=lambda _: None):
        self.runs += 1
        environment = {
            "PATH": os.environ["PATH"],
            "FAKE_JOURNAL": str(self.journal),
            "FAKE_ENDINGS": json.dumps(endings or {}),
        }
        executables = {"jetstream-argo": (sys.executable, "-S", str(WORKER))}
        here = Here(self.folder / str(self.runs), executables, environment, jobs=jobs, pace=0.0)
        return interpret(manifest, parameters or {}, here, watch=watch, done=done)

    def attempts(self, node: str) -> list[dict[str, object]]:
        file = self.journal / node
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def ran(self) -> set[str]:
        return {file.name for file in self.journal.iterdir()}


@pytest.fixture
def cluster(tmp_path):
    return Cluster(tmp_path)


@pytest.fixture
def emitted(make_plan, tmp_path):
    def read(sources=SOURCES, change=lambda document: None, **options):
        file = tmp_path / "workflow.yaml"
        text = to_yaml(emit(make_plan(sources, **options), Deployment("i", "w")).documents)
        documents = list(yaml.safe_load_all(text))
        change(documents[-1])
        file.write_text(to_yaml(documents))
        return read_manifest(file)

    return read


def test_every_node_runs_once_after_those_that_it_waits_for(cluster, emitted, make_plan):
    run = cluster.run(emitted())

    dag = build_dag(make_plan(SOURCES))
    assert run.phase is SUCCEEDED
    assert run.exit_code == 0
    assert [node.name for node in run.nodes][-1] == "publish"
    started = {node.id: cluster.attempts(node.id)[0]["time"] for node in (*dag.nodes, dag.last)}
    assert cluster.ran() == started.keys()
    assert all(started[need] < started[node.id] for node in (*dag.nodes, dag.last) for need in node.needs)


def test_a_pod_gets_the_environment_of_the_manifest_with_its_files_on_this_machine(cluster, emitted):
    run = cluster.run(emitted(), parameters={"warehouse": "embedded:here"})

    (attempt,) = cluster.attempts("day-clients")
    environment = attempt["environment"]
    assert environment["JETSTREAM_WAREHOUSE"] == "embedded:here"
    assert len(environment["JETSTREAM_PLAN_SHA256"]) == 64
    assert not environment["JETSTREAM_SUMMARY"].startswith("/tmp/summary")
    node = next(node for node in run.nodes if node.name == "day-clients")
    assert node.pod.outputs == {"summary": '{"ending": 0}'}
    assert node.message == "day-clients ended with 0"


@pytest.mark.parametrize(
    "metrics", [(), ("ads",), ("active_hours",), ("uri_count", "ads"), ("identity",), ("identity", "active_hours")]
)
def test_a_choice_of_metrics_runs_the_nodes_that_they_need_and_no_other(cluster, emitted, make_plan, metrics):
    cluster.run(emitted(), parameters={"metrics": ", ".join(metrics)})

    expected = filtered(build_dag(make_plan(SOURCES)), metrics)
    assert cluster.ran() == {node.id for node in (*expected.nodes, expected.last)}
    assert cluster.attempts("enrollments")[0]["environment"]["JETSTREAM_METRICS"] == ", ".join(metrics)


def test_an_unknown_metric_is_refused_before_anything_runs(cluster, emitted):
    with pytest.raises(PlanError, match="no metric is called 'tpyo'; nothing has run"):
        cluster.run(emitted(), parameters={"metrics": "ads,tpyo"})

    assert cluster.ran() == set()


def test_an_unknown_parameter_or_a_tag_in_one_is_refused(cluster, emitted):
    with pytest.raises(UnknownReference, match="did you mean 'metrics'"):
        cluster.run(emitted(), parameters={"metric": "ads"})
    with pytest.raises(PlanError, match="Argo would evaluate what is in braces"):
        cluster.run(emitted(), parameters={"metrics": "{{workflow.name}}"})


def test_a_failed_source_costs_its_chain_and_nothing_else(cluster, emitted):
    run = cluster.run(emitted(), endings={"day-clients": [2]})

    phases = {node.name: node.phase for node in run.nodes}
    assert run.phase is FAILED
    assert run.exit_code == 2
    assert {name for name, phase in phases.items() if phase is FAILED} == {"day-clients"}
    assert {name for name, phase in phases.items() if phase is OMITTED} == {
        "week-clients",
        "stats-day-active-hours",
        "stats-day-uri-count",
        "stats-week-active-hours",
        "stats-week-uri-count",
    }
    assert phases["stats-week-ads"] is SUCCEEDED


def test_publishing_runs_after_a_failure_and_is_told_of_it(cluster, emitted):
    cluster.run(emitted(), endings={"stats-day-ads": [2]})

    (attempt,) = cluster.attempts("export")
    assert attempt["environment"]["JETSTREAM_WORKFLOW_STATUS"] == "Failed"


def test_a_workflow_whose_publishing_fails_is_failed(cluster, emitted):
    assert cluster.run(emitted(), endings={"export": [2]}).phase is FAILED


@pytest.mark.parametrize(("ending", "exit_code"), [(75, 75), (-9, 137), (-15, 143)])
def test_a_passing_failure_is_tried_again_with_twice_the_memory(cluster, emitted, ending, exit_code):
    run = cluster.run(emitted(), endings={"day-clients": [ending, ending]})

    node = next(node for node in run.nodes if node.name == "day-clients")
    assert run.phase is SUCCEEDED
    assert [attempt.exit_code for attempt in node.pod.attempts] == [exit_code, exit_code, 0]
    assert [attempt.memory for attempt in node.pod.attempts] == ["384Mi", "768Mi", "1536Mi"]


def test_a_wrong_definition_is_not_tried_again(cluster, emitted):
    run = cluster.run(emitted(), endings={"day-clients": [2]})

    node = next(node for node in run.nodes if node.name == "day-clients")
    assert len(node.pod.attempts) == 1
    assert node.message == "Error (exit code 2): day-clients ended with 2"


def test_attempts_end_at_the_limit(cluster, emitted):
    run = cluster.run(emitted(), endings={"day-search": [75] * 9})

    node = next(node for node in run.nodes if node.name == "day-search")
    assert [attempt.exit_code for attempt in node.pod.attempts] == [75, 75, 75, 75]
    assert run.exit_code == 75


def test_a_retried_workflow_runs_what_had_not_succeeded_and_publishes_again(cluster, emitted):
    manifest = emitted()
    first = cluster.run(manifest, endings={"day-clients": [2]})

    second = cluster.run(manifest, done=frozenset(node.name for node in first.nodes if node.phase is SUCCEEDED))

    assert second.phase is SUCCEEDED
    assert len(cluster.attempts("enrollments")) == 1
    assert len(cluster.attempts("day-search")) == 1
    assert len(cluster.attempts("day-clients")) == 2
    assert len(cluster.attempts("week-clients")) == 1
    assert len(cluster.attempts("export")) == 2


def test_a_large_plan_is_read_from_its_config_map(cluster, emitted):
    words = "".join(hashlib.sha256(str(n).encode()).hexdigest() for n in range(3000))

    cluster.run(emitted(description=words))

    file = Path(cluster.attempts("counts")[0]["environment"]["JETSTREAM_PLAN_FILE"])
    assert file.name == "plan.json.gz"
    assert file.read_bytes()[:2] == b"\x1f\x8b"


def test_a_manifest_whose_entrypoint_is_the_graph_itself_runs_as_well(cluster, emitted):
    run = cluster.run(emitted(change=_set(("spec", "entrypoint"), "experiment")))

    assert run.phase is SUCCEEDED
    assert cluster.ran() == {"export" if node.name == "publish" else node.name for node in run.nodes}


def test_no_more_pods_run_at_once_than_allowed(cluster, emitted):
    running, most, lock = set(), [], threading.Lock()

    def watch(node):
        with lock:
            running.add(node.name) if node.phase is Phase.RUNNING else running.discard(node.name)
            most.append(len(running))

    cluster.run(emitted(), jobs=2, watch=watch)

    assert max(most) == 2


def test_a_command_that_is_not_there_fails_the_node_with_its_name(cluster, emitted):
    def change(document):
        for template in document["spec"]["templates"]:
            if "container" in template:
                template["container"]["command"] = ["no-such-command"]

    run = cluster.run(emitted(change=change))

    assert run.phase is FAILED
    assert "no-such-command: cannot be started" in run.nodes[0].message


def _set(path, value):
    def change(document):
        *where, last = path
        for part in where:
            document = document[part]
        document[last] = value

    return change


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("spec", "hooks"), {}, "spec.hooks: is not implemented"),
        (("spec", "templates", 0, "dag", "failFast"), True, "failFast"),
        (("spec", "templates", 1, "dag", "failFast"), True, "failFast"),
        (("spec", "templates", 0, "dag", "tasks", 0, "when"), "x", "when: is not implemented"),
        (("spec", "templates", 0, "dag", "tasks", 0, "withItems"), [1], "withItems: is not implemented"),
        (("spec", "templates", 2, "retryStrategy", "backoff", "maxDuration"), "5m", "maxDuration: is not implemented"),
        (("spec", "templates", 2, "container", "envFrom"), [], "envFrom: is not implemented"),
        (("spec", "entrypoint"), "nowhere", "nowhere"),
        (("spec", "templates", 0, "dag", "tasks", 0, "template"), "turn", "within itself"),
        (("spec", "templates", 1, "dag", "tasks", 3, "template"), "turn", "a DAG among other tasks"),
        (("spec", "templates", 1, "inputs"), {"parameters": [{"name": "x"}]}, "inputs of a `dag`"),
        (("spec", "entrypoint"), "publish", "entrypoint that is a DAG"),
        (("kind",), "CronWorkflow", "kind"),
        (("spec", "volumes", 0, "hostPath"), {"path": "/"}, "hostPath: is not implemented"),
    ],
)
def test_what_is_not_implemented_is_refused_not_passed_over(emitted, path, value, said):
    with pytest.raises(ConfigError, match=said):
        emitted(change=_set(path, value))


@pytest.mark.parametrize(
    ("depends", "starts"),
    [
        ("a", False),
        ("b", True),
        ("a || b", True),
        ("a && b", False),
        ("a.Failed && b.Succeeded", True),
        ("(a.Succeeded || a.Failed) && !b.Failed", True),
        ("a.Errored || a.Omitted", False),
        ("a.Skipped || a.Daemoned", False),
    ],
)
def test_depends_means_what_it_means_to_argo(depends, starts):
    task = Task(name="c", template="t", depends=depends)

    assert may_start(task, {"a": FAILED, "b": SUCCEEDED}) is starts


def test_a_tolerated_failure_inside_leaves_the_graph_succeeded_and_an_omitted_leaf_does_not():
    tasks = (
        Task(name="a", template="t"),
        Task(name="b", template="t", depends="a.Succeeded || a.Failed"),
        Task(name="c", template="t", depends="a"),
    )

    assert phase_of(tasks, ("b",), {"a": FAILED, "b": SUCCEEDED, "c": OMITTED}) is SUCCEEDED
    assert phase_of(tasks, ("b", "c"), {"a": FAILED, "b": SUCCEEDED, "c": OMITTED}) is FAILED


def test_tasks_that_wait_for_each_other_or_for_nothing_known_are_refused(cluster, emitted):
    def circle(document):
        document["spec"]["templates"][1]["dag"]["tasks"][0]["depends"] = "day-clients"

    with pytest.raises(PlanError, match=r"waits for .* which waits for it"):
        cluster.run(emitted(change=circle))
    for graph in (0, 1):
        with pytest.raises(PlanError, match="waits for 'gone', which is no task"):
            cluster.run(emitted(change=_set(("spec", "templates", graph, "dag", "tasks", 0, "depends"), "gone")))
    assert cluster.ran() == set()


def test_periods_beyond_the_first_wait_for_the_daily_ones(cluster, emitted):
    cluster.run(emitted(periods=[Period.DAY, Period.WEEK, Period.DAYS28, Period.OVERALL]), endings={"day-search": [2]})

    assert not {"week-search", "days28-search", "overall-search", "stats-overall-ads"} & cluster.ran()
    assert {"week-clients", "days28-clients", "overall-clients", "stats-overall-uri-count"} <= cluster.ran()
