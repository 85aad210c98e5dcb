"""What becomes of units in names that are no branch, in several branches, and of branches without units."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EXIT_DEFINITION, NodeError
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.facts import BranchUnits, LeftOut, Units
from jetstream_argo.report.sentences import sentences
from jetstream_argo.report.status import Standing, StatusReport, status_report
from jetstream_argo.run.nodes import TaskResult
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import EXPOSURES, START, Pipeline, experiment, metric, planned, source, summary_of

UNITS = [("a", "old"), ("b", "old"), ("c", "old"), *((unit, "new") for unit in "defgh")]


def plan_of(*branches: str, allow: bool = False) -> AnalysisPlan:
    config = experiment(
        [metric("visits", "SUM(visits)")], [source("activity")], {Period.DAY: [summary_of("visits", "sum")]}
    )
    config = replace(config, branches=branches, reference_branch="old", allow_empty_branches=allow, exposures_sql=None)
    return planned(config, as_of=START + timedelta(days=3))


def pipeline_of(root: Path, plan: AnalysisPlan, units: Sequence[tuple[str, str]] = UNITS) -> Pipeline:
    pipeline = Pipeline(root, plan)
    assign(pipeline, [(unit, branch, START) for unit, branch in units], write=Write.TRUNCATE)
    columns = (Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("visits", "INT64"))
    rows = [
        {"client_id": unit, "submission_date": START + timedelta(days=day), "visits": 1}
        for unit, _ in units
        for day in range(3)
    ]
    pipeline.engine.load("telemetry.activity", rows, columns, write=Write.TRUNCATE, labels={})
    return pipeline


def assign(pipeline: Pipeline, units: Sequence[tuple[str, str, date]], *, write: Write = Write.APPEND) -> None:
    columns = (Column("unit", "STRING"), Column("branch", "STRING"), Column("day", "DATE"))
    rows = [{"unit": unit, "branch": branch, "day": day} for unit, branch, day in units]
    pipeline.engine.load("telemetry.assignments", rows, columns, write=write, labels={})


def enroll(pipeline: Pipeline) -> TaskResult:
    return pipeline.do(build_dag(pipeline.plan).node("enrollments"))


def report_of(pipeline: Pipeline) -> StatusReport:
    return status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))


def test_a_misspelt_branch_fails_the_enrollments_with_what_units_call_it(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "nwe"))

    with pytest.raises(NodeError) as caught:
        enroll(pipeline)

    assert caught.value.exit_code == EXIT_DEFINITION
    assert "no unit is in 'nwe'" in str(caught.value)
    assert "5 in 'new'; did you mean 'new'?" in str(caught.value)
    assert "allow_empty_branches = true" in str(caught.value)


def test_status_says_why_nothing_is_there_and_which_units_are_left_out(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "nwe"))
    with pytest.raises(NodeError):
        enroll(pipeline)

    report = report_of(pipeline)

    assert report.facts.units == Units((BranchUnits("old", 3, 0), BranchUnits("nwe", 0, 0)), (LeftOut("new", 5),))
    assert {metric.standing for metric in report.metrics} == {Standing.FAILED}
    assert report.exit_code == EXIT_DEFINITION


def test_a_corrected_branch_is_found_without_anybody_enrolling_again(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "nwe"))
    with pytest.raises(NodeError):
        enroll(pipeline)
    pipeline.plan = plan_of("old", "new")

    pipeline.run()

    report = report_of(pipeline)
    assert report.facts.units == Units((BranchUnits("old", 3, 0), BranchUnits("new", 5, 0)))
    assert report.lacking == ()
    assert report.failures == ()


def test_a_branch_that_is_misspelt_later_is_found_too(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "new"))
    pipeline.run()
    pipeline.plan = plan_of("old", "nwe")

    with pytest.raises(NodeError, match="did you mean 'new'"):
        enroll(pipeline)


def test_an_empty_branch_may_be_allowed_and_is_said_everywhere(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "nwe", allow=True))

    done = pipeline.run()
    published = pipeline.do(build_dag(pipeline.plan).last)

    report = report_of(pipeline)
    assert report.lacking == ()
    assert report.facts.units == Units((BranchUnits("old", 3, 0), BranchUnits("nwe", 0, 0)), (LeftOut("new", 5),))
    assert "5 left out in 'new', which is no branch" in done["enrollments"].line
    assert "5 units are left out: they are in 'new', which is no branch" in published.line


def test_a_branch_may_be_empty_while_nobody_is_left_out(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "new", "third"))

    enroll(pipeline)

    assert report_of(pipeline).failures == ()


def test_units_that_are_left_out_beside_full_branches_are_said_and_no_error(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old"))

    enroll(pipeline)

    units = report_of(pipeline).facts.units
    assert units is not None
    assert units.left_out == (LeftOut("new", 5),)


def test_rows_of_units_in_several_branches_are_counted(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "new"), [*UNITS, ("a", "new")])

    enroll(pipeline)

    units = report_of(pipeline).facts.units
    assert units is not None
    assert units.in_several == 2


def test_units_that_an_enrollment_query_finds_outside_of_the_enrollment_dates_are_told(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of("old", "new"))
    first, last = START, pipeline.plan.experiment.timeline.last_enrollment
    day = timedelta(days=1)
    assign(pipeline, [("first", "old", first), ("last", "old", last)])
    enroll(pipeline)
    assert not [sentence for sentence in sentences(report_of(pipeline).facts) if "enrolled" in sentence]

    assign(pipeline, [("early", "old", first - day), ("late", "new", last + day)])
    pipeline.plan = replace(pipeline.plan, enrollments=replace(pipeline.plan.enrollments, key="asked again"))
    result = enroll(pipeline)

    assert f"; 2 enrolled outside of {first} to {last}" in result.line
    [sentence] = [sentence for sentence in sentences(report_of(pipeline).facts) if "enrolled" in sentence]
    assert sentence.startswith(f"rows of units that enrolled before {first} or after {last}: 2; their values may lack")


def test_units_that_are_exposed_after_the_last_date_of_enrollment_are_told(tmp_path: Path) -> None:
    plan = plan_of("old", "new")
    last = plan.experiment.timeline.last_enrollment
    late = f"(SELECT 'a' AS unit, DATE '{last + timedelta(days=1)}' AS day UNION ALL SELECT 'b', DATE '{last}')"
    exposures = EXPOSURES.replace("telemetry.exposures", late)
    plan = replace(plan, enrollments=replace(plan.enrollments, exposures_sql=exposures, exposures_key="late"))
    pipeline = pipeline_of(tmp_path, plan)

    result = enroll(pipeline)

    assert f"; 2 exposed; 1 exposed outside of {START} to {last}" in result.line
    [sentence] = [sentence for sentence in sentences(report_of(pipeline).facts) if "exposed" in sentence]
    assert sentence.startswith(
        f"rows of units that were exposed before {START} or after {last}: 1; their values may lack"
    )
