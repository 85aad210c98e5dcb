"""Values of units that a signal exposed, which are those that these have among all enrolled units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis, ExposureSignal, MetricDefinition, SignalBound
from jetstream_argo.config.periods import Period
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.forecast_direct import direct_readings
from jetstream_argo.sql.exposed import is_as_enrolled
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Job, Layout, Write
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

WEEKS_DUE = START + timedelta(days=15)
IN_WINDOW = (SignalBound.ANALYSIS_WINDOW_START, SignalBound.ANALYSIS_WINDOW_END)
CLICKED = ExposureSignal("clicked", source("activity"), "clicks = 2", *IN_WINDOW)
PERIODS = (Period.DAY, Period.WEEK)

SPLIT = metric("split", "SUM(hours)")
DIRECT = metric("direct", "ARRAY_LENGTH(ARRAY_AGG(hours IGNORE NULLS ORDER BY hours LIMIT 3))")
TELLING = metric("telling", "ARRAY_LENGTH(ARRAY_AGG(hours ORDER BY hours LIMIT 3)) + ANY_VALUE(e.num_exposure_events)")


@dataclass
class Remembering(EmbeddedEngine):
    """A warehouse that remembers the queries that wrote to a table."""

    written: list[tuple[str, Sql]] = field(default_factory=list)

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.written = []

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows."""
        self.written.append((destination, sql))
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)

    def read(self, basis: Basis) -> list[bool]:
        """Return of each write of values of a basis whether it reads telemetry."""
        return ["telemetry." in sql for name, sql in self.written if f"values_try_it_{basis.value}_" in name]


def plan_of(*metrics: MetricDefinition, signal: ExposureSignal | None = CLICKED) -> AnalysisPlan:
    summaries = [summary_of(metric.name, "linear_model_mean") for metric in metrics]
    config = experiment(metrics, [source("activity")], dict.fromkeys(PERIODS, summaries), signal=signal)
    return planned(config, as_of=WEEKS_DUE)


def pipeline_of(root: Path, plan: AnalysisPlan) -> Pipeline:
    """`a` in control and `b` in treatment have rows each day, `c` none; `a` clicks twice on day 3, `b` on day 9."""

    def day(number: int) -> date:
        return START + timedelta(days=number)

    made = Pipeline(root, plan)
    made.__dict__["engine"] = Remembering(root)
    made.put(
        "assignments",
        {"unit": "STRING", "branch": "STRING", "day": "DATE"},
        [("a", "control", day(0)), ("b", "treatment", day(1)), ("c", "control", day(1))],
    )
    made.put("exposures", {"unit": "STRING", "day": "DATE"}, [])
    clicks = {("a", 3): 2, ("b", 9): 2}
    made.put(
        "activity",
        {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64", "clicks": "INT64"},
        [(unit, day(n), n + 0.5, clicks.get((unit, n), 0)) for unit in ("a", "b") for n in range(15)],
    )
    return made


def asked_alone(metrics: Sequence[MetricDefinition]) -> list[MetricDefinition]:
    return [replace(metric, bases=(Basis.EXPOSURES,)) for metric in metrics]


def test_they_are_what_they_are_when_nobody_asks_about_all_enrolled_units(tmp_path: Path) -> None:
    both = pipeline_of(tmp_path / "both", plan_of(SPLIT, DIRECT))
    alone = pipeline_of(tmp_path / "alone", plan_of(*asked_alone([SPLIT, DIRECT])))

    both.run()
    alone.run()

    for period in PERIODS:
        for name in ("split", "direct"):
            found = both.values(name, period, Basis.EXPOSURES)
            assert found == alone.values(name, period, Basis.EXPOSURES)
            assert found.items() <= both.values(name, period).items()
    found = both.values("split", Period.WEEK, Basis.EXPOSURES)
    assert found == {("a", "control", 1): 24.5, ("b", "treatment", 2): 80.5}


def test_telemetry_that_must_be_read_whole_is_not_read_for_them_again(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of(DIRECT))

    pipeline.run()

    assert isinstance(pipeline.engine, Remembering)
    assert pipeline.engine.read(Basis.ENROLLMENTS) == [True, True]
    assert pipeline.engine.read(Basis.EXPOSURES) == [False, False]


def test_it_is_read_where_there_are_no_values_of_all_enrolled_units(tmp_path: Path) -> None:
    pipeline = pipeline_of(tmp_path, plan_of(*asked_alone([DIRECT])))

    pipeline.run()

    assert isinstance(pipeline.engine, Remembering)
    assert pipeline.engine.read(Basis.ENROLLMENTS) == []
    assert pipeline.engine.read(Basis.EXPOSURES) == [True, True]


@pytest.mark.parametrize(("asked", "bases"), [([DIRECT], {1}), (asked_alone([DIRECT]), {1}), ([TELLING], {2})])
def test_a_forecast_counts_the_bases_that_telemetry_is_read_for(
    tmp_path: Path, asked: list[MetricDefinition], bases: set[int]
) -> None:
    plan = plan_of(*asked)
    context = pipeline_of(tmp_path, plan).context("day-activity")

    assert {reading.bases for reading in direct_readings(context, plan.source("activity"), plan.metrics)} == bases


@pytest.mark.parametrize(
    ("expression", "is_same"),
    [
        ("SUM(hours)", True),
        ("COUNT(*)", True),
        ("ARRAY_LENGTH(ARRAY_AGG(hours))", True),
        ("ARRAY_LENGTH(ARRAY_AGG(IF(hours > 1, e.branch, NULL) IGNORE NULLS))", True),
        ("ARRAY_LENGTH(ARRAY_AGG(hours)) + ANY_VALUE(e.Exposure_Date IS NULL)", False),
        ("ARRAY_LENGTH(ARRAY_AGG(hours)) + MAX(num_exposure_events)", False),
        ("ARRAY_LENGTH(ARRAY_AGG(TO_JSON_STRING(e)))", False),
    ],
)
def test_they_are_others_where_they_tell_of_the_exposure(expression: str, is_same: bool) -> None:
    plan = plan_of(metric("asked", expression))

    assert is_as_enrolled(plan, plan.metric("asked"), Basis.EXPOSURES) is is_same
    assert not is_as_enrolled(plan, plan.metric("asked"), Basis.ENROLLMENTS)


def test_they_are_others_where_days_are_counted_from_exposure() -> None:
    plan = plan_of(SPLIT, signal=None)

    assert not is_as_enrolled(plan, plan.metric("split"), Basis.EXPOSURES)
