"""The cases in ../shared/cases, each with its right value; the same kinds are tested without it elsewhere."""

import runpy
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import Pipeline

CASES = Path(__file__).parents[3] / "shared" / "cases"
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="needs ../shared")


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("08-segment-named-all", "segments.all: 'all' is a name that results use themselves"),
        ("09-metric-named-identity", "metrics.identity: 'identity' is a name that results use themselves"),
        ("11-segment-named-as-column", "segments.enrollment_date: 'enrollment_date' is a name that results use"),
        ("26-metric-name-with-dash", "metrics.a-b: is not a name: only letters, digits and underscores"),
        ("doors/jinja_date", "experiment.enrollment_query: is a template that cannot be filled: year 99999"),
        (
            "doors/jinja_loop",
            "experiment.enrollment_query: is a template that cannot be filled: it takes too many steps",
        ),
        ("doors/jinja_memory", "experiment.enrollment_query: is a template that cannot be filled"),
        ("doors/jinja_recursion", "experiment.enrollment_query: is a template that cannot be filled: it calls itself"),
        ("doors/never_ends", "experiment.end_date: is '9999-12-31'"),
        ("doors/segment_name", "segments.🦊: is not a name"),
    ],
)
def test_what_cannot_be_right_is_refused_by_plan_with_its_file_and_key(folder: str, message: str, capfd) -> None:
    place = CASES / folder
    file = next(place.glob("*.toml")) if place.is_dir() else place.with_suffix(".toml")

    code = exit_code_of(["plan", str(file), "--as-of", "2026-05-19"])

    printed = capfd.readouterr().err
    assert code == 2
    assert f"{file}:\n  {message}" in printed


@pytest.mark.parametrize(
    ("folder", "period", "right"),
    [
        ("01-format-timestamp-zone", Period.WEEK, {1: 7, 2: 7}),
        ("03-parse-timestamp-zone", Period.WEEK, {1: 7, 2: 7}),
        ("05-safe-ln", Period.WEEK, {1: 13.8155, 2: 16.1181}),  # six and seven times the logarithm of 10
        ("07-timestamp-date-column", Period.WEEK, {1: 7, 2: 7}),
        ("07-timestamp-date-column", Period.OVERALL, {1: 14}),
    ],
)
def test_each_unit_has_the_right_value(tmp_path: Path, folder: str, period: Period, right: dict[int, float]) -> None:
    engine = EmbeddedEngine(tmp_path / "warehouse")
    for name, (texts, rows) in runpy.run_path(str(CASES / folder / "tables.py"))["TABLES"].items():
        columns = [Column(*text.split(" ", 1)) for text in texts]
        named = [dict(zip((column.name for column in columns), row, strict=True)) for row in rows]
        engine.load(name, named, columns, write=Write.TRUNCATE, labels={})
    file = next((CASES / folder).glob("*.toml"))
    pipeline = Pipeline(
        tmp_path / "warehouse", plan_experiment(str(file), ConfigSources(), as_of=date(2026, 5, 19)).plan
    )

    pipeline.run(only=(EnrollmentsTask, SourceTask))

    names = [metric.name for metric in pipeline.plan.metrics if period in metric.periods]
    assert names
    for name in names:
        found: dict[int, set[float]] = {}
        for (_, _, index), value in pipeline.values(name, period).items():
            found.setdefault(index, set()).add(round(value, 4))
        assert found == {index: {value} for index, value in right.items()}, name
