"""What is on record of a node that failed as a whole."""

from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.errors import EXIT_DEFINITION, EXIT_DONE, EXIT_RETRY, EngineError, InvalidQuery, NotFound, Transient
from jetstream_argo.report.status import Standing, StatusReport, status_report
from jetstream_argo.store.entries import State, read_entries
from tests.run.test_refused_parts import RefusingPipeline, refusing
from tests.warehouse.bigquery.whole_run import AS_OF, make_telemetry
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source, summary_of

VISITS = metric("visits", "SUM(visits)")
SEARCHES = metric("searches", "SUM(searches)")
ASSIGNMENTS = r"telemetry`?\.`?assignments"


def report_of(pipeline: Pipeline) -> StatusReport:
    return status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))


def failing(root: Path, *, pattern: str, error: EngineError) -> RefusingPipeline:
    return refusing(root, VISITS, SEARCHES, pattern=pattern, error=error)


def test_an_enrollment_query_that_fails_is_why_everything_is_lacking(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=ASSIGNMENTS, error=InvalidQuery("no column unit"))

    with pytest.raises(InvalidQuery):
        pipeline.do(build_dag(pipeline.plan).nodes[0])

    report = report_of(pipeline)
    assert [(node.node, node.error, node.message) for node in report.of_nodes] == [
        ("enrollments", "InvalidQuery", "no column unit")
    ]
    assert {(metric.standing, metric.message) for metric in report.metrics} == {(Standing.FAILED, "no column unit")}
    assert report.exit_code == EXIT_DEFINITION


def test_without_a_plan_the_failure_of_the_enrollments_is_told_too(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=ASSIGNMENTS, error=Transient("quota"))

    with pytest.raises(Transient):
        pipeline.do(build_dag(pipeline.plan).nodes[0])

    report = status_report(None, read_entries(pipeline.engine, pipeline.plan))
    assert [node.message for node in report.of_nodes] == ["quota"]
    assert report.exit_code == EXIT_RETRY


def test_a_success_ends_the_failure_of_a_node(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=ASSIGNMENTS, error=Transient("quota"))
    with pytest.raises(Transient):
        pipeline.run()
    pipeline.refusing.pattern = ""

    pipeline.run()

    report = report_of(pipeline)
    assert report.failures == ()
    assert report.exit_code == EXIT_DONE


def test_a_failure_that_is_repeated_is_told_once(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=ASSIGNMENTS, error=Transient("quota"))

    for _ in range(3):
        with pytest.raises(Transient):
            pipeline.run()

    assert len(report_of(pipeline).failures) == 1
    assert len(read_entries(pipeline.engine, pipeline.plan)) == 3


def test_a_source_that_fails_as_a_whole_is_why_its_metrics_are_lacking_and_no_others(tmp_path: Path) -> None:
    other = metric("other", "SUM(x)", "elsewhere")
    metrics = [VISITS, other]
    plan = planned(
        experiment(
            metrics,
            [source("activity"), source("elsewhere")],
            {Period.WEEK: [summary_of(metric.name, "sum") for metric in metrics]},
        ),
        as_of=AS_OF,
    )
    make_telemetry(tmp_path, plan)
    pipeline = RefusingPipeline(tmp_path, plan)
    pipeline.refusing.pattern, pipeline.refusing.error = r"telemetry`?\.`?activity", Transient("backend")
    dag = build_dag(plan)
    pipeline.do(dag.node("enrollments"))

    with pytest.raises(Transient):
        pipeline.do(dag.node("day-activity"))

    standings = {metric.metric: (metric.standing, metric.message) for metric in report_of(pipeline).metrics}
    assert standings["visits"] == (Standing.FAILED, "backend")
    assert standings["other"] == (Standing.MISSING, "")


def test_a_node_that_finds_everything_done_after_it_had_failed_says_so(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=r"telemetry`?\.`?activity", error=Transient("backend"))
    dag = build_dag(pipeline.plan)
    pipeline.do(dag.node("enrollments"))
    with pytest.raises(Transient):
        pipeline.do(dag.node("day-activity"))
    pipeline.refusing.pattern = ""
    for leaf in ("stats-week-visits", "stats-week-searches"):
        pipeline.do(dag.node(leaf))  # which computes what it lacks

    pipeline.run()

    assert report_of(pipeline).failures == ()


def test_a_metrics_own_failure_is_not_recorded_as_the_nodes_too(tmp_path: Path) -> None:
    pipeline = failing(tmp_path, pattern=r"telemetry`?\.`?activity", error=NotFound("telemetry.activity"))
    dag = build_dag(pipeline.plan)
    pipeline.do(dag.node("enrollments"))

    with pytest.raises(NotFound):
        pipeline.do(dag.node("day-activity"))

    failed = [entry for entry in read_entries(pipeline.engine, pipeline.plan) if entry.state is State.FAILED]
    assert [sorted(entry.metrics) for entry in failed] == [["searches", "visits"]]
    assert report_of(pipeline).of_nodes == ()
