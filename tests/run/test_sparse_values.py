"""Whether daily values of those units alone that have rows give what a row for every unit gives."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from math import isclose
from pathlib import Path
from random import Random

import pytest

from jetstream_argo.config.exclusions import ExclusionRule, ExclusionRules
from jetstream_argo.config.model import Basis, Deletions, MetricDefinition, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Summary
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.sparse import BILLED, UNBILLED, Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import FORMAT_SPARSE, Entry, Kind
from jetstream_argo.upkeep.gone import loaded
from jetstream_argo.upkeep.shredding import holdings, shred
from tests.run.test_pipeline import day
from tests.worlds.pipeline import BOTH, Pipeline, experiment, metric, planned, source, summary_of

DENSE, SPARSE = Sparsity(below=0), Sparsity(below=2, least_saved=-1_000_000)
HOURS = metric("hours", "SUM(hours)")  # NULL without rows
CLICKS = metric("clicks", "COALESCE(SUM(clicks), 0)")
METRICS = (
    HOURS,
    CLICKS,
    metric("odd", "IF(COUNT(hours) = 0 AND COUNT(clicks) > 0, NULL, 7.5 + COUNT(*))"),  # NULL with rows alone
    metric("by_date", "COALESCE(SUM(hours), DATE_DIFF(e.enrollment_date, DATE '2026-05-01', DAY)) + LENGTH(e.branch)"),
    metric("own", "COALESCE(MAX_BY(clicks, hours), 0) + LENGTH(e.analysis_id)"),  # another for every unit
    metric("visits", "COUNTIF(TRUE)", "visits"),  # 1 without rows
    MetricDefinition("rate", None, None, ("clicks", "visits"), BOTH),
)
ACTIVITY = {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64", "clicks": "INT64"}
LATE = "late"
# By view, the rows: what is no number by which its numbers are.
Shown = dict[str, dict[tuple[str, ...], list[float]]]


def statistics() -> Iterator[Summary]:
    """Statistics of every kind of query."""
    before = {"covariate_adjustment": {"period": "preenrollment_week"}}
    for name, statistic, parameters in (
        ("hours", "linear_model_mean", {}),
        ("hours", "deciles", {}),
        ("clicks", "linear_model_mean", before),
        ("clicks", "bootstrap_mean", {}),
        ("odd", "empirical_cdf", {}),
        ("by_date", "linear_model_mean", before),
        ("own", "count", {}),
        ("rate", "population_ratio", {"numerator": "clicks", "denominator": "visits"}),
    ):
        yield summary_of(name, statistic, parameters, period=Period.DAY)


def plan_at(as_of: date, *, deletions: bool = False) -> AnalysisPlan:
    """The plan of a day; with `deletions` units were deleted upstream, and a metric is new."""
    metrics = (*METRICS, metric("new", "COUNT(hours)")) if deletions else METRICS
    asked = [*statistics(), *([summary_of("new", period=Period.DAY)] if deletions else [])]
    periods = {
        Period.PREENROLLMENT_WEEK: [
            summary_of(name, period=Period.PREENROLLMENT_WEEK) for name in ("clicks", "by_date")
        ],
        Period.DAY: asked,
    }
    plan = planned(experiment(metrics, [source("activity"), source("visits")], periods), as_of=as_of)
    if deletions:
        return replace(plan, experiment=replace(plan.experiment, deletions=Deletions((as_of + timedelta(days=30),))))
    return plan


def load(pipeline: Pipeline, last: date, *, units: int = 16, late: bool = False, without: tuple[str, ...] = ()) -> None:
    """Write telemetry up to a date: few units have rows on a day, and some of these have no hours."""
    random = Random(3)
    assigned = [(f"u{n}", ("control", "treatment")[n % 2], day(n % 3)) for n in range(units)]
    assigned += [(LATE, "control", day(1))]
    exposed = [(unit, enrolled + timedelta(days=n % 2)) for n, (unit, _, enrolled) in enumerate(assigned) if n % 3]
    activity, visits = [], []
    for unit, _, _ in assigned:
        for offset in range(-7, 12):
            if random.random() < 0.4 or unit == "u3":
                hours = None if random.random() < 0.4 else float(random.randrange(5))
                activity += [(unit, day(offset), hours, random.randrange(4)) for _ in range(random.randrange(1, 3))]
            if random.random() < 0.2:
                visits.append((unit, day(offset)))
    hidden = {*without, *(() if late else (LATE,))}
    text = {"unit": "STRING", "branch": "STRING", "day": "DATE"}
    pipeline.put("assignments", text, [row for row in assigned if row[0] not in hidden])
    exposures = [row for row in exposed if row[0] not in hidden and row[1] <= last]
    pipeline.put("exposures", {"unit": "STRING", "day": "DATE"}, exposures)
    pipeline.put("activity", ACTIVITY, [row for row in activity if row[0] not in hidden and row[1] <= last])
    types = {"client_id": "STRING", "submission_date": "DATE"}
    pipeline.put("visits", types, [row for row in visits if row[0] not in hidden and row[1] <= last])


def through(root: Path, sparsity: Sparsity) -> Iterator[Pipeline]:
    """Yield an experiment after each of STAGES."""
    pipeline = Pipeline(root, plan_at(day(4)), sparsity=sparsity)
    load(pipeline, day(4))
    publish(pipeline)
    yield pipeline
    pipeline.sparsity, pipeline.plan = DENSE, plan_at(day(6))
    load(pipeline, day(6))
    publish(pipeline)
    yield pipeline
    pipeline.sparsity = sparsity
    load(pipeline, day(6), late=True)
    publish(pipeline)
    remove(pipeline, "u5")
    yield pipeline
    pipeline.plan = plan_at(day(6), deletions=True)
    load(pipeline, day(6), late=True, without=("u5", "u6"))
    publish(pipeline)
    yield pipeline


def publish(pipeline: Pipeline) -> None:
    pipeline.run()
    pipeline.do(build_dag(pipeline.plan).last)


def remove(pipeline: Pipeline, unit: str) -> None:
    engine = pipeline.engine
    with loaded(engine, pipeline.plan, [unit], attempt="r") as gone:
        found = holdings(engine, pipeline.plan, read_ledger(pipeline.plan, engine).entries, gone)
        assert list(shred(engine, pipeline.plan, found, gone, now=pipeline.now, attempt="r"))


def shown(pipeline: Pipeline) -> Shown:
    """The rows of all views, but for when and in which batch they were computed."""
    found: Shown = {}
    views = [names.values_view(pipeline.plan, basis, Period.DAY) for basis in Basis]
    views += [names.statistics_view(pipeline.plan, Period.DAY), names.without_point_view(pipeline.plan)]
    for view in views:
        result = pipeline.engine.query(Sql(f"SELECT v.* FROM `{view}` AS v"), labels={})
        columns = [column.name for column in result.columns]
        rows: dict[tuple[str, ...], list[float]] = {}
        for row in result.rows:
            known = dict(zip(columns, row, strict=True))
            for name in ("batch", "computed_at", "recorded_at", "attempt", "analysis_time"):
                known.pop(name, None)
            key = tuple(str(value) for value in known.values() if not isinstance(value, float))
            rows.setdefault(key, []).extend(value for value in known.values() if isinstance(value, float))
        found[view] = rows
    return found


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Shown, Shown, list[int]]]:
    """What dense and sparse values give at each stage, and how many rows either has stored."""
    found = []
    root = tmp_path_factory.mktemp("both")
    for dense, sparse in zip(through(root / "dense", DENSE), through(root / "sparse", SPARSE), strict=True):
        found.append((shown(dense), shown(sparse), [stored_rows(dense), stored_rows(sparse)]))
        assert {entry.format for entry in value_entries(dense)} == {FORMAT_SPARSE - 1}
        of_own = [entry for entry in value_entries(sparse) if len(entry.keys) == 1 and entry.metrics == ("own",)]
        assert {entry.format for entry in of_own if entry.period == "day"} == {FORMAT_SPARSE - 1}
        assert {entry.format for entry in value_entries(sparse)} == {FORMAT_SPARSE - 1, FORMAT_SPARSE}
    return found


def value_entries(pipeline: Pipeline) -> list[Entry]:
    return [entry for entry in read_ledger(pipeline.plan, pipeline.engine).entries if entry.kind is Kind.VALUES]


def stored_rows(pipeline: Pipeline) -> int:
    table = names.values(pipeline.plan, Basis.ENROLLMENTS, "visits", Period.DAY)
    info = pipeline.engine.info(table)
    assert info is not None
    return info.rows


STAGES = ("first days", "later days that are dense", "a late unit and a removed one", "units deleted upstream")


@pytest.mark.parametrize("stage", range(len(STAGES)), ids=STAGES)
def test_readers_see_the_same_rows_and_estimates(pairs, stage: int) -> None:
    dense, sparse, _ = pairs[stage]

    same_rows(dense, sparse)


def same_rows(dense: Shown, sparse: Shown) -> None:
    assert dense.keys() == sparse.keys()
    for view, rows in dense.items():
        assert rows
        assert rows.keys() == sparse[view].keys(), view
        for key, numbers in rows.items():
            same = [
                isclose(x, y, rel_tol=1e-12, abs_tol=1e-12) for x, y in zip(numbers, sparse[view][key], strict=True)
            ]
            assert all(same), (view, key)


def segmented(as_of: date) -> AnalysisPlan:
    """A plan with a segment, of which units that are seldom there are excluded."""
    before = SegmentDataSource("before", "telemetry.activity", "client_id", "submission_date", -7, -1)
    busy = Segment("busy", before.name, "COALESCE(SUM(ds.clicks), 0) > 5")
    seldom = ExclusionRule("seldom", data_source=before.name, select_expression="COUNT(ds.hours) < 2")
    asked = [summary_of("hours", "linear_model_mean", period=Period.DAY), summary_of("clicks", period=Period.DAY)]
    config = experiment([HOURS, CLICKS], [source("activity")], {Period.DAY: asked}, segments=((busy,), (before,)))
    return planned(replace(config, exclusions=ExclusionRules(named=(seldom,))), as_of=as_of)


def test_segments_and_exclusions_are_the_same_of_values_of_several_days(tmp_path: Path) -> None:
    found = []
    for sparsity in (DENSE, SPARSE):
        pipeline = Pipeline(tmp_path / str(sparsity.below), segmented(day(4)), sparsity=sparsity)
        load(pipeline, day(4))
        pipeline.run()
        pipeline.plan = segmented(day(6))
        load(pipeline, day(6), late=True)  # a unit that the first days do not know
        publish(pipeline)
        found.append(shown(pipeline))
        formats = {entry.format for entry in value_entries(pipeline)}
        assert formats == {FORMAT_SPARSE if sparsity is SPARSE else FORMAT_SPARSE - 1}

    same_rows(*found)
    estimates = found[0][names.statistics_view(segmented(day(6)), Period.DAY)]
    assert any("busy" in key for key in estimates)


def test_units_without_rows_take_no_rows(pairs) -> None:
    for *_, (dense, sparse) in pairs:
        assert sparse < dense


def test_rows_of_half_of_the_units_are_left_out_where_reading_is_billed_alone() -> None:
    assert BILLED.pays(1_000_000, 500_000.0, days=7)
    assert not UNBILLED.pays(1_000_000, 500_000.0, days=7)
    assert UNBILLED.pays(1_000_000, 300_000.0, days=7)
    assert not BILLED.pays(1_000, 300.0, days=7)
