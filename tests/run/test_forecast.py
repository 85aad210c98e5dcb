"""What a run would read is foreseen, and is what it then reads."""

from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

from jetstream_argo.config.model import ExposureSignal, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.forecast import Forecast, Upcoming, Why, forecast
from jetstream_argo.store.staleness import stale_estimates
from tests.run.test_late_telemetry import (
    DIRECT,
    HOURS,
    LAST,
    WEEK_DUE,
    activity,
    at,
    dates_read,
    entries,
    load,
    pipeline,
    simple,
    telemetry,
)
from tests.run.test_pipeline import day
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source, summary_of

__all__ = ["pipeline"]


def foreseen(pipeline: Pipeline, metrics: Collection[str] = (), *, by_dry_run: bool = False) -> Forecast:
    engine = pipeline.engine
    ledger = read_ledger(pipeline.plan, engine)
    return forecast(pipeline.plan, engine, ledger, now=pipeline.now, metrics=metrics, by_dry_run=by_dry_run)


def of_source(found: Forecast, source: str = "activity") -> list[tuple[date, date, Why]]:
    return [
        (reading.first_date, reading.last_date, reading.why) for reading in found.upcoming if reading.source == source
    ]


def test_before_the_first_run_everything_is_new(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))

    found = foreseen(pipeline, by_dry_run=True)

    assert of_source(found) == [(day(0), WEEK_DUE, Why.NEW)]
    assert {reading.source for reading in found.upcoming} >= {"enrollments", "activity"}
    (rows,) = (reading for reading in found.upcoming if reading.source == "activity")
    assert (rows.rows, rows.partition_days) == (3 * (LAST + 1), LAST + 1)
    assert rows.bytes
    assert found.awaited == found.refused == ()


def test_looking_ahead_records_nothing(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.run()
    load(pipeline, activity(LAST))
    before = len(entries(pipeline))

    foreseen(pipeline)

    assert len(entries(pipeline)) == before


def test_what_is_foreseen_is_what_is_read(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.run()
    load(pipeline, activity(LAST))
    before = len(entries(pipeline))

    found = foreseen(pipeline)
    pipeline.run()

    days = [
        reading.first_date + timedelta(days=number)
        for reading in found.upcoming
        if reading.source == "activity"
        for number in range(reading.partition_days)
    ]
    assert sorted(days) == dates_read(pipeline, before) == [WEEK_DUE]
    assert foreseen(pipeline).upcoming == ()


def test_a_date_with_more_rows_has_changed(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST)[:-1])
    pipeline.run()
    load(pipeline, activity(LAST))

    assert of_source(foreseen(pipeline)) == [(WEEK_DUE, WEEK_DUE, Why.CHANGED)]


def test_a_date_that_is_not_there_is_told_beside_the_others(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))

    found = foreseen(pipeline)

    assert of_source(found) == [(day(0), WEEK_DUE - timedelta(days=1), Why.NEW)]
    assert found.awaited == ("telemetry.activity of 2026-05-12 is not loaded yet (newest: 2026-05-11)",)


def test_a_metric_that_is_added_reads_its_dates_and_leaves_the_other_as_it_is(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    pipeline.plan = planned(simple(HOURS, metric("rows", "COUNT(*)")), as_of=WEEK_DUE)

    found = foreseen(pipeline)
    stale = stale_estimates(pipeline.plan, read_ledger(pipeline.plan, pipeline.engine))

    assert of_source(found) == [(day(0), WEEK_DUE, Why.COLUMNS)]
    assert of_source(foreseen(pipeline, ["hours"])) == []
    assert {(metric.metric, metric.is_new) for metric in stale} == {("rows", True)}


def test_a_changed_metric_is_told_from_a_new_one(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    pipeline.plan = planned(simple(metric("hours", "MAX(hours)")), as_of=WEEK_DUE)

    stale = stale_estimates(pipeline.plan, read_ledger(pipeline.plan, pipeline.engine))

    assert {(metric.metric, metric.is_new) for metric in stale} == {("hours", False)}


def test_a_metric_of_all_rows_reads_them_for_each_period_and_basis(pipeline: Pipeline) -> None:
    pipeline.plan = planned(simple(DIRECT), as_of=WEEK_DUE)
    load(pipeline, activity(LAST))

    found = [reading for reading in foreseen(pipeline, by_dry_run=True).upcoming if reading.why is Why.DIRECT]

    assert found
    assert all(reading.first_date == day(0) and reading.last_date == WEEK_DUE and reading.bytes for reading in found)
    assert {reading.scans for reading in found} == {len(pipeline.plan.metric("direct").bases)}
    pipeline.today = at(WEEK_DUE.replace(month=7))
    pipeline.run()
    assert foreseen(pipeline).upcoming == ()


def test_a_source_that_is_missing_is_told_and_hides_no_other(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run(only=[EnrollmentsTask])
    pipeline.engine.delete("telemetry.activity")

    found = foreseen(pipeline)

    assert [refusal.split(":")[0] for refusal in found.refused] == ["activity"]
    assert all(isinstance(reading, Upcoming) for reading in found.upcoming)


def test_rows_of_a_signal_and_of_segments_have_a_size_before_any_unit_is_known(tmp_path: Path) -> None:
    segment = Segment("busy", "traits", "MAX(hours) > 0")
    rows = SegmentDataSource("traits", "telemetry.activity", "client_id", "submission_date", 0, 0)
    settings = experiment(
        [metric("hours", "SUM(hours)")],
        [source("activity")],
        {Period.WEEK: [summary_of("hours", "linear_model_mean")]},
        signal=ExposureSignal("seen", source("activity"), "hours > 0", None, None),
        segments=((segment,), (rows,)),
    )
    made = Pipeline(tmp_path, planned(settings, as_of=WEEK_DUE), today=at(WEEK_DUE + timedelta(days=1)))
    telemetry(made)
    load(made, activity(LAST))

    asked = {reading.source: reading.bytes for reading in foreseen(made, by_dry_run=True).upcoming}
    stored = {reading.source: reading.bytes for reading in foreseen(made).upcoming}

    assert set(asked) == set(stored) == {"enrollments", "traits", "exposures", "seen", "activity"}
    assert all(asked.values())
    assert asked["seen"] != stored["seen"]  # what the query reads, and not what the table holds
    assert asked["traits"] != stored["traits"]
