"""What a whole analysis gives, on rows few enough to count by hand."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import (
    Basis,
    ExperimentConfig,
    ExposureSignal,
    MetricDefinition,
    Segment,
    SegmentDataSource,
)
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.config.statistics import Summary
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import EXIT_DEFINITION, NodeError, NotFound
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.store.entries import Kind
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import BOTH, START, Pipeline, experiment, metric, planned, source, summary_of

# Enrollment from 4 to 6 May; a day is due on the 6th, a week on the 12th.
DAYS_DUE = date(2026, 5, 7)
WEEK_DUE = date(2026, 5, 12)


def day(n: int) -> date:
    return START + timedelta(days=n)


EXPERIMENTS = "ARRAY<STRUCT<key STRING, value STRUCT<branch STRING>>>"
BRANCH = "(SELECT x.value.branch FROM UNNEST(ds.experiments) AS x WHERE x.key = 'try-it')"
ACTIVITY = {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64", "clicks": "INT64", "os": "STRING"}


def carries(branch: str | None) -> Value:
    return [{"key": "try-it", "value": {"branch": branch}}] if branch else []


def telemetry(pipeline: Pipeline) -> None:
    """Three units: `a` in control from day 0, `b` in treatment from day 1, `c` in control from day 2, without rows."""
    pipeline.put(
        "assignments",
        {"unit": "STRING", "branch": "STRING", "day": "DATE"},
        [("a", "control", day(0)), ("a", "control", day(1)), ("b", "treatment", day(1)), ("c", "control", day(2))],
    )
    pipeline.put("exposures", {"unit": "STRING", "day": "DATE"}, [("a", day(1)), ("b", day(0))])
    rows: list[Sequence[Value]] = []
    for unit, offset in (("a", 0), ("b", 1)):
        rows += [(unit, day(offset + n), float(10**n), n, "Windows") for n in range(8)]
        rows += [(unit, day(offset - 1), 0.5, None, None), (unit, day(offset - 7), 0.25, None, "Linux")]
        rows.append((unit, day(offset - 8), 1000.0, 1, "Mac"))
    pipeline.put("activity", ACTIVITY, rows)


HOURS = metric("hours", "SUM(hours)")
CLICKS = metric("clicks", "COALESCE(SUM(clicks), 0)")


def summaries(*metrics: MetricDefinition, statistic: str = "linear_model_mean") -> list[Summary]:
    return [summary_of(metric.name, statistic) for metric in metrics]


def simple(*metrics: MetricDefinition, periods: Sequence[Period] = (Period.DAY, Period.WEEK)) -> ExperimentConfig:
    sources = [source(name) for name in dict.fromkeys(m.data_source for m in metrics if m.data_source)]
    return experiment(metrics, sources, {period: summaries(*metrics) for period in periods})


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """A warehouse with the telemetry above, and a plan of two metrics for which a week is due."""
    made = Pipeline(tmp_path, planned(simple(HOURS, CLICKS), as_of=WEEK_DUE))
    telemetry(made)
    return made


def of_unit(values: Mapping[tuple[str, str, int], object], unit: str) -> list[object]:
    """One unit's values, by window."""
    return [value for key, value in sorted(values.items()) if key[0] == unit]


def test_windows_hold_their_first_and_last_day_and_neither_neighbour(pipeline: Pipeline) -> None:
    pipeline.run()

    assert of_unit(pipeline.values("hours", Period.DAY), "a") == [1, 10, 100, 1e3, 1e4, 1e5, 1e6]
    assert of_unit(pipeline.values("hours", Period.WEEK), "a") == [1111111]
    assert of_unit(pipeline.values("hours", Period.WEEK), "b") == [1111111]


def test_days_before_enrollment_end_the_day_before_it(pipeline: Pipeline) -> None:
    pipeline.plan = planned(simple(HOURS, periods=[Period.PREENROLLMENT_WEEK]), as_of=DAYS_DUE)

    pipeline.run()

    assert of_unit(pipeline.values("hours", Period.PREENROLLMENT_WEEK), "b") == [0.75]


def test_a_unit_without_rows_has_what_the_aggregate_gives_for_none(pipeline: Pipeline) -> None:
    hazards = [
        metric("all_rows", "COUNT(*)"),
        metric("unknown", "COUNTIF(os IS NULL)"),
        metric("systems", "COUNT(DISTINCT os)"),
        metric("branch_of", "MAX(e.branch)"),
    ]
    pipeline.plan = planned(simple(HOURS, CLICKS, *hazards), as_of=WEEK_DUE)

    pipeline.run()

    found = {m.name: of_unit(pipeline.values(m.name, Period.WEEK), "c")[0] for m in (HOURS, CLICKS, *hazards)}
    assert found == {"hours": None, "clicks": 0, "all_rows": 1, "unknown": 1, "systems": 0, "branch_of": "control"}


def test_on_the_exposures_basis_days_count_from_exposure_and_only_exposed_units_do(pipeline: Pipeline) -> None:
    pipeline.run()

    week = pipeline.values("hours", Period.WEEK, Basis.EXPOSURES)
    assert {unit for unit, _, _ in week} == {"a"}  # b was exposed before it enrolled
    assert of_unit(week, "a") == [11111110]


def test_on_the_day_of_enrollment_only_rows_that_carry_the_experiment_count(pipeline: Pipeline) -> None:
    pipeline.put(
        "events",
        {"client_id": "STRING", "submission_date": "DATE", "experiments": EXPERIMENTS, "n": "INT64"},
        [("a", day(0), carries(None), 1), ("a", day(0), carries("control"), 2), ("a", day(1), carries(None), 4)],
    )
    count = metric("count", "SUM(n)", "events")
    config = experiment([count], [source("events", branch=BRANCH)], {Period.DAY: summaries(count)})
    pipeline.plan = planned(config, as_of=DAYS_DUE)

    pipeline.run()

    assert of_unit(pipeline.values("count", Period.DAY), "a") == [2, 4]
    assert of_unit(pipeline.values("events_has_non_enrolled_data", Period.DAY), "a") == [False, True]
    assert of_unit(pipeline.values("events_has_contradictory_branch", Period.DAY), "a") == [False, False]


def test_a_unit_in_two_branches_counts_in_both_from_each_enrollment(pipeline: Pipeline) -> None:
    pipeline.put(
        "assignments",
        {"unit": "STRING", "branch": "STRING", "day": "DATE"},
        [("a", "control", day(0)), ("a", "treatment", day(2)), (None, "control", day(0)), ("b", None, day(0))],
    )

    line = pipeline.run()["enrollments"].line

    assert pipeline.values("hours", Period.DAY)["a", "control", 1] == 1
    assert pipeline.values("hours", Period.DAY)["a", "treatment", 1] == 100
    assert line == "2 units: 1 in control, 1 in treatment; 1 exposed; 2 rows of units in several branches" or (
        line == "2 units: 1 in control, 1 in treatment; 2 exposed; 2 rows of units in several branches"
    )


def test_an_exposure_signal_decides_per_window_and_days_count_from_enrollment(pipeline: Pipeline) -> None:
    signal = ExposureSignal("clicked", source("activity"), "clicks = 2", None, None)
    config = replace(simple(HOURS), exposure_signal=signal)
    pipeline.plan = planned(config, as_of=WEEK_DUE)

    pipeline.run()

    # a clicks twice on day 2, within the enrollment dates; b on day 3, after them.
    assert {key[0] for key in pipeline.values("hours", Period.WEEK, Basis.EXPOSURES)} == {"a"}
    assert of_unit(pipeline.values("hours", Period.WEEK, Basis.EXPOSURES), "a") == [1111111]


def test_values_wait_for_the_signals_that_expose_units(pipeline: Pipeline) -> None:
    signal = ExposureSignal("clicked", source("activity"), "clicks = 2", None, None)
    pipeline.plan = planned(replace(simple(HOURS), exposure_signal=signal), as_of=WEEK_DUE)

    with pytest.raises(NodeError, match="the exposure signals of 2026-05-04 are not counted; do the node `exposures`"):
        pipeline.run(only=[EnrollmentsTask, SourceTask])


def test_a_statistics_task_says_how_many_queries_it_took_and_they_do_not_grow(pipeline: Pipeline) -> None:
    asked = [summary_of("clicks", name) for name in ("bootstrap_mean", "deciles", "empirical_cdf", "linear_model_mean")]
    config = experiment([CLICKS], [source("activity")], {Period.DAY: asked})
    names_of = ("linux", "mac", "windows", "early", "late")
    segments = tuple(Segment(name, "activity", f"LOGICAL_OR(os = '{name}')") for name in names_of)
    rows = SegmentDataSource("activity", "telemetry.activity", "client_id", "submission_date", -7, -1)
    one_base = replace(CLICKS, bases=(Basis.ENROLLMENTS,))
    small = replace(config, metrics=(one_base,))
    large = replace(config, segments=segments, segment_data_sources=(rows,))

    lines = []
    for made, as_of in ((small, day(2)), (large, day(5))):
        pipeline.plan = planned(made, as_of=as_of)
        telemetry(pipeline)
        ended = pipeline.run()
        lines.append([result.line for result in ended.values() if result.line.startswith("estimated")])
    cells = {(row["window_index"], row["segment"], row["analysis_basis"]) for row in all_estimates(pipeline, "clicks")}

    assert lines == [["estimated 1 window by 2 queries"], ["estimated 4 windows by 2 queries"]]
    assert len(cells) == 4 * 6 * 2  # windows, all units and five segments, bases


def all_estimates(pipeline: Pipeline, name: str) -> list[dict[str, Value]]:
    """The estimates that readers see of a metric."""
    query = f"SELECT * FROM {table(names.statistics(pipeline.plan))} AS s"
    return [row for row in pipeline.engine.query(Sql(query), labels={}).dicts() if row["metric"] == name]


def test_segments_are_columns_of_the_enrollments_and_of_the_estimates(pipeline: Pipeline) -> None:
    segment = Segment("linux", "activity", "LOGICAL_OR(os = 'Linux')")
    rows = SegmentDataSource("activity", "telemetry.activity", "client_id", "submission_date", -7, -1)
    config = replace(simple(HOURS), segments=(segment,), segment_data_sources=(rows,))
    pipeline.plan = planned(config, as_of=DAYS_DUE)

    pipeline.run()

    enrolled = pipeline.engine.query(
        Sql(f"SELECT e.analysis_id, e.linux FROM {table(names.enrollments(pipeline.plan))} AS e ORDER BY 1"), labels={}
    )
    assert enrolled.rows == (("a", True), ("b", True), ("c", None))
    counted = [(row["segment"], row["branch"], row["point"]) for row in estimates(pipeline, "identity", window=1)]
    assert set(counted) == {
        ("all", "control", 2), ("all", "treatment", 1), ("linux", "control", 1), ("linux", "treatment", 1),
    }  # fmt: skip


def estimates(
    pipeline: Pipeline, name: str, *, window: int, basis: Basis = Basis.ENROLLMENTS
) -> list[dict[str, Value]]:
    """The estimates that readers see of a metric in one daily window."""
    query = f"SELECT * FROM {table(names.statistics(pipeline.plan))} AS s WHERE s.period = 'day'"
    rows = pipeline.engine.query(Sql(query), labels={}).dicts()
    wanted = (name, window, basis.value)
    return [row for row in rows if (row["metric"], row["window_index"], row["analysis_basis"]) == wanted]


def test_estimates_are_those_of_the_stored_values(pipeline: Pipeline) -> None:
    pipeline.run()

    means = {
        row["branch"]: row["point"] for row in estimates(pipeline, "clicks", window=2) if row["comparison"] is None
    }
    assert means == {"control": 0.5, "treatment": 1.0}  # a clicked once on its day 1, c never did


def state(pipeline: Pipeline) -> dict[str, list[tuple[Value, ...]]]:
    """Every row of every result table, but what a view shows."""
    engine = pipeline.engine
    return {
        info.name: list(engine.query(Sql(f"SELECT * FROM {table(info.name)} AS t"), labels={}).rows)
        for info in engine.tables("results")
        if not info.is_view
    }


def test_a_second_run_does_nothing_and_leaves_every_row_as_it_was(pipeline: Pipeline) -> None:
    pipeline.run()
    before = state(pipeline)

    results = pipeline.run()

    assert all(result.idle for result in results.values())
    assert state(pipeline) == before


def test_a_later_date_reads_only_the_new_dates(pipeline: Pipeline) -> None:
    pipeline.plan = planned(simple(HOURS), as_of=DAYS_DUE)
    pipeline.run()
    pipeline.plan = planned(simple(HOURS), as_of=DAYS_DUE + timedelta(days=1))

    pipeline.run()

    entries = read_ledger(pipeline.plan, pipeline.engine).entries
    assert [(e.first_date, e.last_date) for e in entries if e.kind is Kind.PARTIALS] == [
        (day(0), day(3)),
        (day(4), day(4)),
    ]


def test_a_changed_metric_is_computed_alone_and_everything_else_stays(pipeline: Pipeline) -> None:
    pipeline.run()
    before = state(pipeline)
    changed = metric("clicks", "COALESCE(SUM(clicks), 0) * 2 + COUNTIF(hours > 5)")
    pipeline.plan = planned(simple(HOURS, changed), as_of=WEEK_DUE)

    pipeline.run(metrics=["clicks"])

    after = state(pipeline)
    new = [
        e for e in read_ledger(pipeline.plan, pipeline.engine).entries if e.plan == pipeline.context("x").plan_sha256
    ]
    assert {name for e in new for name in e.metrics} == {"clicks"}
    old = read_ledger(pipeline.plan, pipeline.engine)
    assert [len(e.keys) for e in old.entries if e.kind is Kind.PARTIALS][-1] == 1  # SUM(clicks) was there already
    for name, rows in before.items():
        assert [row[: len(rows[0])] for row in after[name]][: len(rows)] == rows
    assert of_unit(pipeline.values("clicks", Period.WEEK), "a") == [2 * 21 + 6]
    assert of_unit(pipeline.values("hours", Period.WEEK), "a") == [1111111]


def test_going_back_to_an_earlier_definition_shows_its_estimates_again(pipeline: Pipeline) -> None:
    first = planned(simple(CLICKS), as_of=DAYS_DUE)
    second = planned(simple(metric("clicks", "SUM(clicks) * 100")), as_of=DAYS_DUE)

    done = []
    for plan in (first, second, first, first):
        pipeline.plan = plan
        done.append(pipeline.run()["stats-day-clicks"].idle)

    assert done == [False, False, False, True]


def test_a_metric_with_broken_sql_costs_only_itself(pipeline: Pipeline) -> None:
    pipeline.run()
    healthy = {name: pipeline.values(name, Period.WEEK) for name in ("hours", "clicks")}
    broken = metric("broken", "SUM(no_such_column)")
    other = Pipeline(pipeline.root / "other", planned(simple(HOURS, broken, CLICKS), as_of=WEEK_DUE))
    telemetry(other)

    results = other.run()

    failed = {id for id, result in results.items() if result.exit_code}
    assert failed == {"stats-day-broken", "stats-week-broken"}
    assert {results[id].exit_code for id in failed} == {EXIT_DEFINITION}
    assert "no_such_column" in results["day-activity"].line
    assert {name: other.values(name, Period.WEEK) for name in ("hours", "clicks")} == healthy


def test_rows_that_break_one_metric_cost_only_that_metric(pipeline: Pipeline) -> None:
    broken = metric("broken", "SUM(CAST(os AS INT64))")
    pipeline.plan = planned(simple(HOURS, broken, CLICKS), as_of=WEEK_DUE)

    results = pipeline.run()

    assert {id for id, result in results.items() if result.exit_code} == {"stats-day-broken", "stats-week-broken"}
    assert of_unit(pipeline.values("hours", Period.WEEK), "a") == [1111111]


def test_a_repaired_metric_is_computed_by_its_own_leaf(pipeline: Pipeline) -> None:
    late = metric("late", "SUM(minutes)")
    pipeline.plan = planned(simple(HOURS, late), as_of=WEEK_DUE)
    pipeline.run()
    wider = ACTIVITY | {"minutes": "INT64"}
    rows = pipeline.engine.query(Sql("SELECT * FROM telemetry.activity AS t"), labels={}).rows
    pipeline.put("activity", wider, [(*row, 7) for row in rows])

    result = pipeline.do(build_dag(pipeline.plan).node("stats-week-late"))

    assert result.exit_code == 0
    assert of_unit(pipeline.values("late", Period.WEEK), "a") == [49]


def test_a_source_whose_table_is_missing_fails_and_no_other(pipeline: Pipeline) -> None:
    gone = metric("gone", "SUM(x)", "no_such_table")
    pipeline.plan = planned(simple(HOURS, gone), as_of=WEEK_DUE)
    dag = build_dag(pipeline.plan)

    with pytest.raises(NotFound, match="no_such_table"):
        pipeline.run(metrics=["gone"])
    pipeline.run(metrics=["hours"])

    assert {node.id for node in filtered(dag, ["hours"]).nodes}.isdisjoint({"day-no-such-table"})
    assert of_unit(pipeline.values("hours", Period.WEEK), "a") == [1111111]


def test_rows_of_an_attempt_that_was_killed_before_it_said_so_are_not_read(pipeline: Pipeline) -> None:
    pipeline.run()
    before = {name: pipeline.values(name, Period.DAY) for name in ("hours", "clicks")}
    target = names.partials(pipeline.plan, "activity")
    doubled = Sql(f"SELECT t.* REPLACE (7 AS batch) FROM {table(target)} AS t")

    pipeline.engine.query_to_table(doubled, target, write=Write.APPEND, labels={})
    pipeline.plan = planned(simple(HOURS, CLICKS, metric("more", "SUM(hours) + SUM(clicks)")), as_of=WEEK_DUE)
    pipeline.run()

    assert {name: pipeline.values(name, Period.DAY) for name in ("hours", "clicks")} == before
    assert of_unit(pipeline.values("more", Period.DAY), "a")[:2] == [1, 11]


def test_a_metric_that_cannot_be_split_is_computed_directly_and_equals_the_split_one(pipeline: Pipeline) -> None:
    direct = metric("direct", "ARRAY_LENGTH(ARRAY_AGG(hours IGNORE NULLS ORDER BY hours LIMIT 3))")
    split = metric("split", "COUNT(hours)")
    pipeline.plan = planned(simple(direct, split), as_of=WEEK_DUE)

    pipeline.run()

    assert of_unit(pipeline.values("direct", Period.WEEK), "a") == [3]
    assert of_unit(pipeline.values("split", Period.WEEK), "a") == [7]
    assert (
        pipeline.values("direct", Period.DAY, Basis.EXPOSURES).keys()
        == pipeline.values("split", Period.DAY, Basis.EXPOSURES).keys()
    )


def test_statistics_are_adjusted_by_a_covariate_and_say_so(pipeline: Pipeline) -> None:
    covariate: Table = {"covariate_adjustment": {"metric": "hours", "period": "preenrollment_week"}}
    adjusted = summary_of("hours", "linear_model_mean", covariate)
    config = experiment([HOURS], [source("activity")], {Period.DAY: [adjusted]})
    pipeline.plan = planned(config, as_of=DAYS_DUE)
    rows = pipeline.engine.query(Sql("SELECT * FROM telemetry.activity AS t"), labels={}).rows
    # Of the control's units one had fewer hours before it enrolled than the other: a covariate that varies.
    more = [("c", day(n), hours, 1, None) for n, hours in ((1, 0.5), (2, 3.0), (3, 4.0))]
    pipeline.put("activity", ACTIVITY, [*rows, *more])

    pipeline.run()

    entries = [e for e in read_ledger(pipeline.plan, pipeline.engine).entries if e.metrics == ("hours",)]
    assert [e.adjusted for e in entries if e.kind is Kind.STATISTICS] == [True]


def test_a_ratio_of_two_sources_is_estimated_from_both(pipeline: Pipeline) -> None:
    pipeline.put(
        "ads",
        {"client_id": "STRING", "submission_date": "DATE", "shown": "INT64"},
        [(unit, day(n), 4) for unit in "ab" for n in range(10)],
    )
    shown = metric("shown", "SUM(shown)", "ads")
    rate = MetricDefinition("rate", None, None, ("clicks", "shown"), BOTH)
    parameters: Table = {"numerator": "clicks", "denominator": "shown", "drop_highest": 0.0}
    asked = [summary_of("rate", "population_ratio", parameters)]
    config = experiment([CLICKS, shown, rate], [source("activity"), source("ads")], {Period.DAY: asked})
    pipeline.plan = planned(config, as_of=DAYS_DUE)

    pipeline.run()

    points = {row["branch"]: row["point"] for row in estimates(pipeline, "rate", window=2) if not row["comparison"]}
    assert points["treatment"] == pytest.approx(1 / 4)
