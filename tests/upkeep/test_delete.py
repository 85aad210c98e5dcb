"""Deleting takes what an experiment has, and nothing of any other."""

from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan import codec
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import Standing, status_report
from jetstream_argo.sql import names
from jetstream_argo.sql.names import Place
from jetstream_argo.store.entries import read_entries
from jetstream_argo.upkeep.forgetting import forgotten, record
from jetstream_argo.upkeep.owned import owned
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import Pipeline
from tests.worlds.upkeep import HOURS, MEDIAN, RATE, again, analysed, rows, tables, telemetry


@pytest.fixture
def root(tmp_path: Path) -> Path:
    telemetry(tmp_path)
    return tmp_path


def delete(root: Path, *arguments: str) -> int:
    return exit_code_of(["delete", "--warehouse", f"embedded:{root}", *arguments])


def estimated(pipeline: Pipeline) -> set[str]:
    """The metrics of which readers see estimates."""
    found = {row["metric"] for row in read_estimates(pipeline.engine, pipeline.plan, Filters()).dicts()}
    return {str(metric) for metric in found} & {"hours", "median", "rate"}


def test_everything_of_the_experiment_goes_and_nothing_of_those_with_longer_or_shorter_slugs(root: Path) -> None:
    analysed(root, "try-it")
    shorter = tables(root)
    for slug in ("try-it-week", "try-it-enrollments", "try"):
        analysed(root, slug)
    others = tables(root) - shorter

    code = delete(root, "try-it", "--dataset", "results", "--yes")

    assert code == 0
    assert tables(root) == others
    assert len(others) == 3 * len(shorter)


def test_what_is_to_go_is_listed_and_nothing_goes_without_consent(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = analysed(root, "try-it")
    before = tables(root)

    code = delete(root, "try-it", "--dataset", "results")

    printed = capsys.readouterr()
    assert code == 2
    assert "add --yes" in printed.err
    assert all(name in printed.out for name in before)
    assert tables(root) == before
    assert names.enrollments(pipeline.plan) in before


def test_tables_of_a_slug_that_is_written_alike_stay(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    analysed(root, "try_it")
    own_tables = tables(root)

    code = delete(root, "try-it", "--dataset", "results", "--yes")

    printed = capsys.readouterr()
    assert code == 2
    assert tables(root) == own_tables
    assert "kept results.enrollments_try_it: it is described as 'try_it'" in printed.err
    assert "there is nothing in dataset 'results'" in printed.err


def test_a_table_of_nobody_s_is_not_taken_for_ours(root: Path) -> None:
    EmbeddedEngine(root).load(
        "results.enrollments_try_it", [{"n": 1}], [Column("n", "INT64")], write=Write.TRUNCATE, labels={}
    )

    assert delete(root, "try-it", "--dataset", "results", "--yes") == 2
    assert tables(root) == {"results.enrollments_try_it"}


def test_what_a_killed_task_left_is_found_by_the_plan(root: Path, tmp_path: Path) -> None:
    pipeline = analysed(root, "try-it")
    plan = tmp_path / "plan.json"
    plan.write_bytes(codec.dump(pipeline.plan))
    pipeline.engine.delete(names.status(pipeline.plan))

    code = delete(root, "--plan", str(plan), "--yes")

    assert code == 0
    assert tables(root) == set()


def test_the_status_table_goes_last_so_that_a_deletion_can_be_taken_up_again(root: Path) -> None:
    pipeline = analysed(root, "try-it")

    found = owned(pipeline.engine, Place("results", "try-it"), read_entries(pipeline.engine, pipeline.plan))

    assert found.tables[-1].name == names.status(pipeline.plan)
    assert found.foreign == ()


def test_a_forgotten_metric_is_gone_for_readers_and_computed_again(root: Path) -> None:
    pipeline = analysed(root, "try-it", [HOURS, MEDIAN])
    complete = rows(root, f"SELECT COUNT(*) FROM `{names.statistics_view(pipeline.plan, Period.WEEK)}`")
    known = read_entries(pipeline.engine, pipeline.plan)

    entries = forgotten(pipeline.plan, ["hours"], known, now=pipeline.now(), attempt="f")
    record(pipeline.engine, pipeline.plan, entries)

    assert estimated(pipeline) == {"median"}
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    assert {metric.standing for metric in report.metrics if metric.metric == "hours"} == {Standing.MISSING}
    assert {metric.standing for metric in report.metrics if metric.metric == "median"} == {Standing.COMPUTED}

    # From what was read before: telemetry is not read for it.
    rows_now = rows(root, "SELECT client_id, submission_date, hours + 1 AS hours FROM telemetry.activity")
    columns = [Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("hours", "FLOAT64")]
    shifted = [dict(zip(("client_id", "submission_date", "hours"), row, strict=True)) for row in rows_now]
    pipeline.engine.load("telemetry.activity", shifted, columns, write=Write.TRUNCATE, labels={})
    idle = again(pipeline)

    assert not idle["stats-week-hours"]
    assert idle["stats-week-median"]
    assert estimated(pipeline) == {"hours", "median"}
    assert sorted(pipeline.values("hours", Period.WEEK).values()) == [0.0, 1.0, 2.0, 3.0]
    assert sorted(pipeline.values("median", Period.WEEK).values()) == [0.0, 1.0, 2.0, 3.0]
    assert complete == rows(root, f"SELECT COUNT(*) FROM `{names.statistics_view(pipeline.plan, Period.WEEK)}`")


def test_metrics_that_use_a_forgotten_one_are_named_and_stay(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pipeline = analysed(root, "try-it", [HOURS, MEDIAN, RATE])
    plan = tmp_path / "plan.json"
    plan.write_bytes(codec.dump(pipeline.plan))

    delete(root, "--plan", str(plan), "--metrics", "hours", "--yes")

    assert "the estimates of rate, which use these, stay as they are" in capsys.readouterr().out
    assert estimated(pipeline) == {"median", "rate"}


def test_forgetting_what_no_plan_has_is_refused(root: Path, tmp_path: Path) -> None:
    pipeline = analysed(root, "try-it")
    plan = tmp_path / "plan.json"
    plan.write_bytes(codec.dump(pipeline.plan))

    assert delete(root, "--plan", str(plan), "--metrics", "huors", "--yes") == 2
    assert estimated(pipeline) == {"hours", "median"}
