"""What status, results and rows say of an adjustment that was asked for: the same, window by window."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import ExportTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import MetricStatus, status_report
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.stats.rows import Reason
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

SIZES = {"control": 106, "treatment": 103}
ADJUSTED: Table = {"covariate_adjustment": {"metric": "before", "period": "preenrollment_week"}, "drop_highest": 0.0}
Covariate = Callable[[str, int], Value]


def constant(branch: str, number: int) -> Value:
    return 3.0


def with_gaps(branch: str, number: int) -> Value:
    """Of the control 100 of 106 units have none."""
    return None if branch == "control" and number >= 6 else float(number % 7)


def world(root: Path, covariate: Covariate, *statistics: str) -> Pipeline:
    """All units enroll on the first day, had one row the day before, and have one a day since."""
    metrics = [metric("before", "SUM(x)"), metric("hours", "SUM(y)")]
    config = experiment(
        metrics, [source("activity")], {Period.DAY: [summary_of("hours", name, ADJUSTED) for name in statistics]}
    )
    pipeline = Pipeline(root, planned(config, as_of=START + timedelta(days=4)))
    units = [(f"{branch}-{n}", branch, n) for branch, size in SIZES.items() for n in range(size)]
    pipeline.put("assignments", {"unit": "STRING", "branch": "STRING", "day": "DATE"},
        [(unit, branch, START) for unit, branch, _ in units],
    )  # fmt: skip
    pipeline.put("exposures", {"unit": "STRING", "day": "DATE"}, [])
    rows: list[tuple[str, date, Value, Value]] = []
    for unit, branch, n in units:
        rows.append((unit, START - timedelta(days=1), covariate(branch, n), None))
        rows += [(unit, START + timedelta(days=day), None, float((n * (day + 1)) % 11)) for day in range(3)]
    pipeline.put("activity", {"client_id": "STRING", "submission_date": "DATE", "x": "FLOAT64", "y": "FLOAT64"}, rows)
    return pipeline


def standing(pipeline: Pipeline) -> MetricStatus:
    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    (found,) = (metric for metric in report.metrics if (metric.metric, metric.period) == ("hours", "day"))
    return found


def rows_of(pipeline: Pipeline, comparison: str = "difference") -> list[dict[str, Value]]:
    filters = Filters(metrics=("hours",), comparisons=(comparison,), bases=("enrollments",))
    return list(read_estimates(pipeline.engine, pipeline.plan, filters).dicts())


@pytest.mark.parametrize("statistic", ["linear_model_mean", "welch_mean"])
def test_a_constant_covariate_adjusts_nothing_and_rows_and_status_agree(tmp_path: Path, statistic: str) -> None:
    pipeline = world(tmp_path, constant, statistic)

    pipeline.run()

    assert {(row["adjusted"], row["reason"]) for row in rows_of(pipeline)} == {(False, Reason.NO_COVARIATE)}
    found = standing(pipeline)
    assert found.adjusted is False
    assert f"{statistic} is unadjusted in windows 1, 2" in found.note


def test_what_cannot_be_adjusted_is_not_estimated_again_and_again(tmp_path: Path) -> None:
    pipeline = world(tmp_path, constant, "linear_model_mean")
    pipeline.run()

    again = pipeline.run()

    assert {id for id, result in again.items() if not result.idle} == set()


def test_units_without_the_covariate_are_counted_in_rows_and_told_in_the_status(tmp_path: Path) -> None:
    pipeline = world(tmp_path, with_gaps, "welch_mean", "linear_model_mean")

    pipeline.run()

    assert {(row["n_units"], row["n_without_covariate"]) for row in rows_of(pipeline)} == {(109, 100)}
    alone = {
        (row["statistic"], row["branch"]): (row["n_units"], row["n_without_covariate"])
        for row in rows_of(pipeline, "none")
    }
    assert alone == {
        ("mean_lm", "control"): (6, 100),
        ("mean_lm", "treatment"): (103, 0),
        ("mean_welch", "control"): (106, 0),
        ("mean_welch", "treatment"): (103, 0),
    }
    found = standing(pipeline)
    assert found.adjusted is True
    for name in ("linear_model_mean", "welch_mean"):
        assert f"{name}: 100 of 106 units of control have no covariate and are not compared" in found.note


def test_windows_are_adjusted_or_not_each_by_its_own_rows(tmp_path: Path) -> None:
    pipeline = world(tmp_path, with_gaps, "linear_model_mean")
    # On the second day only units with one covariate, or none, have a value.
    sql = Sql(
        "SELECT a.* REPLACE (IF(a.submission_date = DATE '2026-05-05' AND s.x != 3, NULL, a.y) AS y)"
        " FROM telemetry.activity AS a LEFT JOIN telemetry.activity AS s"
        " ON s.client_id = a.client_id AND s.submission_date = DATE '2026-05-03'"
    )
    pipeline.engine.query_to_table(sql, "telemetry.activity", write=Write.TRUNCATE, labels={})

    pipeline.run()

    report = status_report(pipeline.plan, read_entries(pipeline.engine, pipeline.plan))
    shown = [(row["window_index"], row["adjusted"]) for row in rows_of(pipeline) if row["branch"] == "treatment"]
    assert shown == [("1", True), ("2", False), ("3", True)]
    assert [(metric.first_window, metric.adjusted) for metric in report.metrics if metric.metric == "hours"] == [
        (1, True), (2, False), (3, True),
    ]  # fmt: skip


def test_estimates_of_a_version_that_knew_fewer_columns_can_be_read_and_published(tmp_path: Path) -> None:
    pipeline = world(tmp_path, with_gaps, "linear_model_mean")
    pipeline.run()
    target = names.statistics(pipeline.plan)
    old = Sql(f"SELECT e.* EXCEPT (adjusted_mean, adjusted_reference_mean, n_without_covariate) FROM {target} AS e")
    pipeline.engine.query_to_table(old, target, write=Write.TRUNCATE, labels={})

    done = pipeline.do(build_dag(pipeline.plan).last)

    assert isinstance(build_dag(pipeline.plan).last.task, ExportTask)
    assert done.exit_code == 0
    view = names.statistics_view(pipeline.plan, Period.DAY)
    published = pipeline.engine.query(Sql(f"SELECT * FROM {view} AS v"), labels={})
    assert {row["n_without_covariate"] for row in published.dicts()} == {None}
    assert {row["adjusted"] for row in rows_of(pipeline)} == {True}
