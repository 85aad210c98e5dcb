"""Emitted manifests with real workers on the embedded engine: undisturbed, filtered, killed, broken and repaired."""

import os
import shutil
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.argo.emulator.graph import Phase
from jetstream_argo.argo.emulator.interpret import WorkflowRun, interpret
from jetstream_argo.argo.emulator.manifest import read_manifest
from jetstream_argo.argo.emulator.pods import Here
from jetstream_argo.argo.manifest.deployment import Deployment
from jetstream_argo.argo.manifest.emit import workflow
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.errors import PlanError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import Sources, plan_experiment
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
METRICS = ("active_hours", "search_count", "sidebar_opens")
EXPERIMENT = """
[experiment]
slug = "end-to-end"
branches = ["control", "treatment"]
start_date = "2026-03-02"
enrollment_period = 7
enrollment_query = '''
SELECT client_id AS analysis_id, branch, MIN(submission_date) AS enrollment_date, COUNT(*) AS num_enrollment_events
FROM demo.assignments
GROUP BY client_id, branch
'''

[data_sources]
activity = {from_expression = "demo.daily_activity", experiments_column_type = "none"}
search = {from_expression = "demo.daily_searches", experiments_column_type = "none"}
interactions = {from_expression = "demo.interactions", experiments_column_type = "none"}

[metrics]
weekly = ["active_hours", "search_count", "sidebar_opens"%s]

[metrics.active_hours]
data_source = "activity"
select_expression = "COALESCE(SUM(active_hours), 0)"
statistics.linear_model_mean = {}
[metrics.search_count]
data_source = "search"
select_expression = "COALESCE(SUM(searches), 0)"
statistics.linear_model_mean = {}
[metrics.sidebar_opens]
data_source = "interactions"
select_expression = "COUNTIF(event_name = 'sidebar_opened')"
statistics.linear_model_mean = {}
"""
BROKEN = """
[metrics.broken]
data_source = "activity"
select_expression = "SUM(no_such_column)"
statistics.linear_model_mean = {}
"""


@dataclass(frozen=True)
class Place:
    """A warehouse, the manifest that is run on it, and what is exported from it."""

    folder: Path
    plan: AnalysisPlan

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    @property
    def manifest(self) -> Path:
        return self.folder / "workflow.yaml"

    def run(self, *, metrics="", done=frozenset(), kill=("", 0.0)) -> WorkflowRun:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            "PYTHONPATH": str(ROOT),
            "KILLED_NODE": kill[0],
            "KILLED_AFTER": str(kill[1]),
            "KILLED_MARK": str(self.folder / "killed"),
        }
        worker = (sys.executable, str(Path(__file__).parent / "killed_worker.py"))
        runs = sum(each.name.startswith("run-") for each in self.folder.iterdir())
        here = Here(self.folder / f"run-{runs}", {"jetstream-argo": worker}, environment, jobs=2, pace=0.0)
        parameters = {
            "warehouse": f"embedded:{self.warehouse}",
            "metrics": metrics,
            "export-to": (self.folder / "export").as_uri(),
        }
        return interpret(read_manifest(self.manifest), parameters, here, watch=lambda _: None, done=done)

    def results(self) -> dict[str, bytes]:
        """The exported statistics; other exports hold times."""
        return {file.name: file.read_bytes() for file in sorted((self.folder / "export" / "statistics").iterdir())}


def _plan(folder: Path, text: str) -> AnalysisPlan:
    file = folder / "experiment.toml"
    file.write_text(text)
    return plan_experiment(str(file), Sources(), as_of=date(2026, 3, 16), dataset="results").plan


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> AnalysisPlan:
    return _plan(tmp_path_factory.mktemp("plan"), EXPERIMENT % "")


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory, plan) -> Path:
    folder = tmp_path_factory.mktemp("telemetry")
    generate(plan, EmbeddedEngine(folder), units=100, seed=1)
    return folder


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, telemetry, plan) -> tuple[Place, WorkflowRun]:
    place = _place(tmp_path_factory.mktemp("undisturbed"), telemetry, plan)
    return place, place.run()


@pytest.fixture
def place(tmp_path, telemetry, plan) -> Place:
    return _place(tmp_path, telemetry, plan)


def _place(folder: Path, telemetry: Path, plan: AnalysisPlan) -> Place:
    place = Place(folder, plan)
    shutil.copytree(telemetry, place.warehouse)
    place.manifest.write_text(workflow(plan, Deployment("image", "embedded:nowhere")))
    return place


def _phases(run: WorkflowRun, phase: Phase) -> set[str]:
    return {node.name for node in run.nodes if node.phase is phase}


def test_a_manifest_gives_the_same_bytes_of_results_as_running_the_plan(undisturbed, place, plan):
    reference, run = undisturbed
    file = place.folder / "plan.json"
    file.write_bytes(codec.dump(plan))

    arguments = ["--plan", str(file), "--warehouse", f"embedded:{place.warehouse}", "--jobs", "1"]
    code = exit_code_of(["run", *arguments, "--export-to", str(place.folder / "export")])

    assert (run.phase, code) == (Phase.SUCCEEDED, 0)
    assert reference.results() == place.results()
    assert set(place.results()) == {"statistics_end_to_end_weekly.json"}


def test_a_choice_of_metrics_gives_their_results_and_leaves_all_else_as_it_is(undisturbed, tmp_path):
    reference, _ = undisturbed
    place = Place(tmp_path, reference.plan)
    shutil.copytree(reference.warehouse, place.warehouse)
    shutil.copy(reference.manifest, place.manifest)
    before = _files(place.warehouse)

    run = place.run(metrics="search_count")

    assert run.phase is Phase.SUCCEEDED
    touched = {node.name for node in run.nodes}
    assert "stats-week-search-count" in touched
    assert not [name for name in touched if "activity" in name or "active-hours" in name]
    changed = {path for path, data in _files(place.warehouse).items() if before.get(path) != data}
    assert not [path for path in changed if "activity" in path or "interactions" in path]
    assert place.results() == reference.results()


def test_a_typo_in_the_metrics_is_refused_before_anything_is_written(place):
    before = _files(place.warehouse)

    with pytest.raises(PlanError, match="no metric is called 'serach_count'"):
        place.run(metrics="serach_count")

    assert _files(place.warehouse) == before


@pytest.mark.parametrize("after", [0.0001, 1.0])
def test_a_pod_that_is_killed_is_tried_again_and_the_results_are_the_same(undisturbed, place, after):
    reference, _ = undisturbed

    run = place.run(kill=("day-search", after))

    node = next(node for node in run.nodes if node.name == "day-search")
    assert run.phase is Phase.SUCCEEDED
    if after < 1:  # a second may be more than the node needs
        assert [attempt.exit_code for attempt in node.pod.attempts] == [137, 0]
    assert place.results() == reference.results()


def test_a_table_that_vanishes_costs_its_source_and_a_retry_repairs_it(undisturbed, place):
    reference, _ = undisturbed
    table = place.warehouse / "local" / "demo" / "interactions"
    table.rename(place.folder / "hidden")

    first = place.run()
    (place.folder / "hidden").rename(table)
    second = place.run(done=frozenset(_phases(first, Phase.SUCCEEDED)))

    assert first.phase is Phase.FAILED
    assert _phases(first, Phase.FAILED) == {"day-interactions"}
    assert _phases(first, Phase.OMITTED) == {"week-interactions", "stats-week-sidebar-opens"}
    assert {"stats-week-active-hours", "stats-week-search-count", "publish"} <= _phases(first, Phase.SUCCEEDED)
    assert "interactions" in next(node.message for node in first.nodes if node.phase is Phase.FAILED)
    assert second.phase is Phase.SUCCEEDED
    assert {node.name for node in second.nodes if not node.was_done} == {
        "day-interactions",
        "week-interactions",
        "stats-week-sidebar-opens",
        "publish",
    }
    assert place.results() == reference.results()


def test_a_metric_whose_sql_fails_costs_that_metric(undisturbed, telemetry, tmp_path):
    reference, _ = undisturbed
    place = _place(tmp_path, telemetry, _plan(tmp_path, EXPERIMENT % ', "broken"' + BROKEN))

    run = place.run()

    assert run.phase is Phase.FAILED
    assert _phases(run, Phase.FAILED) == {"stats-week-broken"}
    assert not _phases(run, Phase.OMITTED)
    message = next(node.message for node in run.nodes if node.phase is Phase.FAILED)
    assert "no_such_column" in message
    (expected,) = reference.results().values()
    (found,) = place.results().values()
    assert set(expected.splitlines()[1:-1]) <= {line.rstrip(b",") for line in found.splitlines()} | set(
        found.splitlines()
    )


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}
