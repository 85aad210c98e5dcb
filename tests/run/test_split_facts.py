"""Where a broken split comes from, and that nobody enrolled fails nothing."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from jetstream_argo.config.model import ExposureSignal, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import EXIT_DONE
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.report.health import Check, HealthCheck
from jetstream_argo.report.status import Standing, StatusReport, status_report
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of


def plan_of(alarm: float = 1e-3, deviation: float = 0.005) -> AnalysisPlan:
    config = experiment(
        [metric("visits", "SUM(visits)")],
        [source("activity")],
        {Period.DAY: [summary_of("visits", "linear_model_mean")]},
    )
    rows = SegmentDataSource("clients", "telemetry.activity", "client_id", "submission_date", 0, 0)
    config = replace(
        config, branch_ratios=(1, 1), sample_ratio_alarm=alarm, sample_ratio_deviation=deviation,
        segments=(Segment("busy", "clients", "SUM(ds.visits) > 1"),), segment_data_sources=(rows,),
    )  # fmt: skip
    return planned(config, as_of=START + timedelta(days=3))


def pipeline_of(root: Path, plan: AnalysisPlan, units: dict[tuple[str, int, int], int]) -> Pipeline:
    """Units by branch, day of enrollment, and visits a day."""
    pipeline = Pipeline(root, plan)
    named = [(f"{branch}{day}{visits}_{number}", branch, day, visits)
             for (branch, day, visits), n in units.items() for number in range(n)]  # fmt: skip
    columns = (Column("unit", "STRING"), Column("branch", "STRING"), Column("day", "DATE"))
    assigned = [{"unit": u, "branch": b, "day": START + timedelta(days=d)} for u, b, d, _ in named]
    pipeline.engine.load("telemetry.assignments", assigned, columns, write=Write.TRUNCATE, labels={})
    pipeline.engine.load("telemetry.exposures", assigned[:1], columns, write=Write.TRUNCATE, labels={})
    columns = (Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("visits", "INT64"))
    rows = [{"client_id": u, "submission_date": START + timedelta(days=d), "visits": v}
            for u, _, first, v in named for d in range(first, 3)]  # fmt: skip
    other = [{"client_id": "nobody", "submission_date": START + timedelta(days=d), "visits": 1} for d in range(3)]
    pipeline.engine.load("telemetry.activity", [*rows, *other], columns, write=Write.TRUNCATE, labels={})
    return pipeline


def enroll(pipeline: Pipeline) -> Check:
    pipeline.do(build_dag(pipeline.plan).node("enrollments"))
    return next(check for check in report_of(pipeline).facts.health if check.check is HealthCheck.SPLIT)


def report_of(pipeline: Pipeline) -> StatusReport:
    return status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))


FAIR = {("control", 0, 1): 40, ("treatment", 0, 1): 42, ("control", 1, 2): 41, ("treatment", 1, 2): 39}


def test_the_day_or_segment_that_breaks_the_split_is_found(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of(), {**FAIR, ("control", 2, 2): 10, ("treatment", 2, 2): 90})

    found = enroll(pipeline)

    assert found.alarm
    assert "; on 2026-05-06 p = 1e-15, the others are split as designed" in found.message
    assert "; in segment busy p = " in found.message
    assert "on 2026-05-04" not in found.message


def test_a_split_that_is_off_by_less_than_matters_is_no_alarm(tmp_path: Path) -> None:
    units = {("control", 0, 1): 30, ("treatment", 0, 1): 80}

    assert enroll(pipeline_of(tmp_path / "a", plan_of(deviation=0.45), units)).alarm
    assert not enroll(pipeline_of(tmp_path / "b", plan_of(deviation=0.46), units)).alarm


def test_nobody_enrolled_is_an_alarm_and_fails_nothing(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of(), {})

    done = pipeline.run()
    published = pipeline.do(build_dag(pipeline.plan).last)

    assert {result.exit_code for result in done.values()} == {EXIT_DONE}
    assert "no unit enrolled from 2026-05-04 to 2026-05-06" in done["enrollments"].line
    report = report_of(pipeline)
    assert report.exit_code == EXIT_DONE
    assert {(metric.metric, metric.standing) for metric in report.metrics} == {
        ("identity", Standing.COMPUTED), ("visits", Standing.NO_DATA),
    }  # fmt: skip
    assert [check.message for check in report.facts.health if check.alarm] == [
        (
            "try-it: no unit enrolled from 2026-05-04 to 2026-05-06, although there is telemetry to find them in; "
            "check the slug, the dates and the custom enrollment query"
        )
    ]
    assert "no unit enrolled" in published.line
    view = table(names.statistics_view(pipeline.plan, Period.DAY))
    counts = pipeline.engine.query(Sql(f"SELECT * FROM {view} AS s WHERE s.metric = 'identity'"), labels={}).dicts()
    assert {(row["branch"], row["point"]) for row in counts} == {("control", 0.0), ("treatment", 0.0)}


def test_nobody_enrolled_fails_nothing_either_where_a_signal_exposes_units(tmp_path: Path) -> None:
    signal = ExposureSignal("seen", source("activity"), "visits > 0", None, None)
    config = experiment(
        [metric("visits", "SUM(visits)")],
        [source("activity")],
        {Period.DAY: [summary_of("visits", "linear_model_mean")]},
        exposures_sql=None,
        signal=signal,
    )
    pipeline = pipeline_of(tmp_path, planned(config, as_of=START + timedelta(days=3)), {})

    done = pipeline.run()
    pipeline.do(build_dag(pipeline.plan).last)

    assert {result.exit_code for result in done.values()} == {EXIT_DONE}
    view = table(names.statistics_view(pipeline.plan, Period.DAY))
    counts = pipeline.engine.query(Sql(f"SELECT * FROM {view} AS s WHERE s.metric = 'identity'"), labels={}).dicts()
    assert {(row["analysis_basis"], row["branch"], row["point"]) for row in counts} == {
        (basis, branch, 0.0) for basis in ("enrollments", "exposures") for branch in ("control", "treatment")
    }


def test_who_enrolls_after_nobody_did_is_found(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of(), {})
    pipeline.run()
    again = pipeline_of(tmp_path, pipeline.plan, FAIR)

    again.run()

    report = report_of(again)
    assert report.lacking == ()
    assert {metric.standing for metric in report.metrics} == {Standing.COMPUTED}
    assert not any(check.alarm for check in report.facts.health)
