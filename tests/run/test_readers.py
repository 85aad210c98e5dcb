"""Whether readers of the existing system's tables find in ours all that they rely on, under the same names and types.

Source: the existing system's names, columns and types, schema version 4; extra columns are allowed, missing ones not.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import pytest

from jetstream_argo.config.model import Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import TableInfo, Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

ENROLLMENTS = {
    "analysis_id": "STRING", "branch": "STRING", "enrollment_date": "DATE", "num_enrollment_events": "INT64",
    "loyal": "BOOL", "exposure_date": "DATE", "num_exposure_events": "INT64",
}  # fmt: skip
METRICS = {
    "analysis_id": "STRING", "branch": "STRING", "enrollment_date": "DATE", "num_enrollment_events": "INT64",
    "loyal": "BOOL", "analysis_window_start": "INT64", "analysis_window_end": "INT64",
    "exposure_date": "DATE", "num_exposure_events": "INT64", "window_index": "STRING",
    "hours": "FLOAT64", "pings": "INT64", "active": "BOOL",
    "activity_has_contradictory_branch": "BOOL", "activity_has_non_enrolled_data": "BOOL",
}  # fmt: skip
STATISTICS = {
    "metric": "STRING", "statistic": "STRING", "parameter": "NUMERIC", "branch": "STRING", "comparison": "STRING",
    "comparison_to_branch": "STRING", "ci_width": "FLOAT64", "point": "FLOAT64", "lower": "FLOAT64", "upper": "FLOAT64",
    "segment": "STRING", "analysis_basis": "STRING", "window_index": "STRING",
}  # fmt: skip
SUFFIXES = ("daily", "weekly", "days28", "overall", "preenrollment_weekly", "preenrollment_days28")


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TableInfo]:
    """All tables and views of an experiment with every period and basis, a segment and a source that names branches."""
    root = tmp_path_factory.mktemp("readers")
    _make_telemetry(EmbeddedEngine(root))
    activity_metrics = [
        metric("hours", "SUM(hours)"),
        metric("pings", "COUNT(ds.branch)"),
        metric("active", "LOGICAL_OR(hours > 1)"),
    ]
    asked = [summary_of("hours", "linear_model_mean"), summary_of("pings", "sum"), summary_of("active", "binomial")]
    periods = dict.fromkeys(Period, asked)
    segment = Segment("loyal", "visits", "LOGICAL_OR(TRUE)")
    where = SegmentDataSource("visits", "telemetry.activity", "client_id", "submission_date", -7, 0)
    config = experiment(
        activity_metrics,
        [source("activity", branch="ds.branch")],
        periods,
        end=date(2026, 6, 4),
        segments=((segment,), (where,)),
    )
    pipeline = Pipeline(root, planned(config, as_of=date(2026, 6, 5)))
    pipeline.run()
    pipeline.do(build_dag(pipeline.plan).last)
    engine = EmbeddedEngine(root)
    return dict(engine.infos([table.name for table in engine.tables("results")]))


def test_enrollments_have_their_columns_description_and_labels(tables: dict[str, TableInfo]) -> None:
    found = tables["results.enrollments_try_it"]

    assert _types(found).items() >= ENROLLMENTS.items()
    assert found.description == "try-it"
    assert found.labels["schema_version"] == "4"
    assert found.labels["last_updated"].isdigit()


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("basis", ["enrollments", "exposures"])
def test_a_view_of_metrics_has_their_columns_and_labels(tables: dict[str, TableInfo], basis: str, suffix: str) -> None:
    found = tables[f"results.try_it_{basis}_{suffix}"]

    assert _types(found).items() >= METRICS.items()
    assert found.view_sql is not None
    assert found.labels["schema_version"] == "4"
    assert found.labels["last_updated"].isdigit()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_view_of_statistics_has_their_columns_and_labels(tables: dict[str, TableInfo], suffix: str) -> None:
    found = tables[f"results.statistics_try_it_{suffix}"]

    assert _types(found).items() >= STATISTICS.items()
    assert found.labels["schema_version"] == "4"
    assert found.labels["last_updated"].isdigit()


def _types(info: TableInfo) -> dict[str, str]:
    return {column.name: column.type for column in info.columns}


def _make_telemetry(engine: EmbeddedEngine) -> None:
    units = ("a", "b", "c", "d")
    branches = dict(zip(units, ("control", "treatment") * 2, strict=True))
    assignments: list[dict[str, Value]] = [
        {"unit": unit, "branch": branch, "day": START} for unit, branch in branches.items()
    ]
    activity: list[dict[str, Value]] = [
        {"client_id": unit, "submission_date": day, "hours": number + 0.5, "branch": branches[unit]}
        for number, unit in enumerate(units)
        for day in (START, date(2026, 5, 20))
    ]
    _load(engine, "assignments", assignments)
    _load(engine, "exposures", [{"unit": unit, "day": START} for unit in units])
    _load(engine, "activity", activity)


def _load(engine: EmbeddedEngine, name: str, rows: Sequence[Mapping[str, Value]]) -> None:
    kinds = {"day": "DATE", "submission_date": "DATE", "hours": "FLOAT64"}
    columns = [Column(column, kinds.get(column, "STRING")) for column in rows[0]]
    engine.load(f"telemetry.{name}", rows, columns, write=Write.TRUNCATE, labels={})
