"""Whether an analysis in BigQuery, disturbed or not, gives what it gives in a folder on this machine."""

import shutil
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis, MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.errors import EXIT_RETRY
from jetstream_argo.report.facts import facts_of
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import Standing, status_report
from jetstream_argo.store.entries import read_entries
from tests.warehouse.bigquery.cases import CASES, Case, Outcome
from tests.warehouse.bigquery.fake_server.faults import Call
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import (
    PROJECT,
    RemotePipeline,
    Rows,
    make_telemetry,
    patience,
    results,
    run_as_argo_does,
    small_plan,
    wide_plan,
)
from tests.worlds.pipeline import Pipeline, metric

NAMED = {case.name: case for case in CASES}


@pytest.fixture(scope="module")
def telemetry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("telemetry")
    make_telemetry(root, small_plan())
    return root


@pytest.fixture(scope="module")
def undisturbed(telemetry: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """The results of a run on the embedded engine."""
    root = tmp_path_factory.mktemp("undisturbed") / "warehouse"
    shutil.copytree(telemetry, root)
    pipeline = Pipeline(root, small_plan())
    assert run_as_argo_does(pipeline) == ()
    return results(pipeline)


def test_a_run_through_bigquerys_client_gives_the_same_results(
    telemetry: Path, undisturbed: dict[str, Rows], tmp_path: Path
) -> None:
    shutil.copytree(telemetry, tmp_path, dirs_exist_ok=True)
    with serving(FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])) as url:
        pipeline = RemotePipeline(tmp_path, small_plan(), url=url)
        assert run_as_argo_does(pipeline) == ()

    assert len(undisturbed) == 8
    assert results(pipeline) == undisturbed


# One of each kind, in the middle of a run; benchmarks/fault_matrix.py does all of them.
@pytest.mark.parametrize(
    ("case", "call", "skip"),
    [
        (NAMED["answer lost"], Call.SUBMIT, 4),
        (NAMED["answer lost"], Call.UPLOAD, 3),
        (NAMED["backend error for good"], Call.POLL, 12),
        (NAMED["connection cut for good"], Call.RESULTS, 6),
        (NAMED["answers lost for good"], Call.UPLOAD, 4),
        (NAMED["permission"], Call.TABLE_GET, 9),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_disturbed_run_ends_with_the_same_results_and_each_row_once(
    case: Case, call: Call, skip: int, telemetry: Path, undisturbed: dict[str, Rows], tmp_path: Path
) -> None:
    shutil.copytree(telemetry, tmp_path, dirs_exist_ok=True)
    fake = FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])
    fake.faults.order(case.at(call, skip=skip))

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, small_plan(), url=url, retry_seconds=patience(case))
        codes = run_as_argo_does(pipeline, fake)

    assert results(pipeline) == undisturbed
    if case.outcome is Outcome.RETRIED:
        assert codes == ()
    if case.outcome is Outcome.LATER:
        assert set(codes) == {EXIT_RETRY}


@pytest.mark.slow
def test_a_source_with_more_metrics_than_fit_a_query_gives_all_and_one_that_never_fits_costs_itself(
    tmp_path: Path,
) -> None:
    metrics: list[MetricDefinition] = [metric(f"visits_{number}", f"SUM(visits + {number})") for number in range(60)]
    metrics.append(metric("enormous", "SUM(visits * 123456789)"))
    plan = wide_plan(metrics)
    make_telemetry(tmp_path, plan)
    fake = FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])
    fake.limits.longest_query = 13_000
    fake.limits.too_big = "123456789"

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        done = pipeline.run(only=[EnrollmentsTask, SourceTask])

    assert {name for result in done.values() for name, _ in result.failed} == {"enormous"}
    local = Pipeline(tmp_path, plan)
    first, last = (local.values(f"visits_{number}", Period.WEEK, Basis.ENROLLMENTS) for number in (0, 59))
    assert first.keys() == last.keys()
    assert len(first) >= 40


def test_a_column_under_a_policy_tag_costs_the_metrics_that_read_it_and_no_others(tmp_path: Path) -> None:
    metrics = [metric("visits", "SUM(visits)"), metric("pay", "SUM(salary)"), metric("days", "COUNT(visits)")]
    plan = wide_plan(metrics)
    make_telemetry(tmp_path, plan)
    fake = FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])
    fake.catalog.policies.tag(f"{PROJECT}.telemetry.activity", "salary")

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        done = pipeline.run()
        entries = read_entries(pipeline.engine, plan)

    assert {id for id, result in done.items() if result.exit_code} == {"stats-week-pay"}
    report = status_report(plan, entries)
    standings = {metric.metric: (metric.standing, metric.error) for metric in report.metrics}
    assert standings["pay"] == (Standing.FAILED, "PartDenied")
    assert standings["visits"] == standings["days"] == (Standing.COMPUTED, "")
    assert "categoryFineGrainedReader on the policy tag" in next(lack.message for lack in report.lacking)


def test_what_is_read_of_a_part_of_the_rows_or_values_is_told_though_no_query_fails(tmp_path: Path) -> None:
    plan = small_plan()
    make_telemetry(tmp_path, plan)
    fake = FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])
    fake.catalog.policies.row_policies |= {f"{PROJECT}.telemetry.{name}" for name in ("activity", "assignments")}
    fake.catalog.policies.masked.add(f"{PROJECT}.telemetry.activity")

    with serving(fake) as url:
        pipeline = RemotePipeline(tmp_path, plan, url=url)
        assert run_as_argo_does(pipeline) == ()
        facts = facts_of(read_entries(pipeline.engine, plan))

    assert {found.source: found.reasons for found in facts.restricted} == {
        "enrollments": ("row access policies",),
        "activity": ("row access policies", "masked columns"),
    }
    assert any("activity was read under row access policies and masked columns" in text for text in sentences(facts))
