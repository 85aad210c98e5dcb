"""What is said of why something would be computed."""

from dataclasses import replace
from datetime import timedelta

from jetstream_argo.config.model import Segment, SegmentDataSource
from jetstream_argo.dag.build import build_dag
from jetstream_argo.run.context import read_ledger
from jetstream_argo.store.staleness import Stale, stale_estimates
from tests.run.test_late_telemetry import HOURS, LAST, WEEK_DUE, activity, load, pipeline
from tests.run.test_pipeline import day, simple
from tests.worlds.pipeline import Pipeline, metric, planned

__all__ = ["pipeline"]


def whys(pipeline: Pipeline) -> dict[tuple[str, str, int, int], str]:
    ledger = read_ledger(pipeline.plan, pipeline.engine)
    found: tuple[Stale, ...] = stale_estimates(pipeline.plan, ledger)
    return {(stale.metric, stale.period.value, stale.first_window, stale.last_window): stale.why for stale in found}


def test_before_the_first_run_everything_is_to_be_computed(pipeline: Pipeline) -> None:
    assert set(whys(pipeline)) == {("hours", "day", 1, 7), ("hours", "week", 1, 1)}


def test_of_a_finished_analysis_nothing_is_said(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()

    assert whys(pipeline) == {}


def test_dates_that_were_not_read_are_named(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.run()

    because = "activity was not read from 2026-05-12"
    assert whys(pipeline) == {
        ("hours", "day", 7, 7): because,
        ("hours", "week", 1, 1): because,
    }


def test_dates_that_were_read_again_are_named(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST)[:-1])
    pipeline.run()
    load(pipeline, activity(LAST))
    nodes = {node.id: node for node in build_dag(pipeline.plan).nodes}
    pipeline.do(nodes["day-activity"])

    found = whys(pipeline)

    assert found["hours", "week", 1, 1] == "activity was read again from 2026-05-12"
    assert found["hours", "day", 7, 7].startswith("its values were computed anew")


def test_a_changed_metric_and_a_new_segment_are_told_apart(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    pipeline.put("os", {"client_id": "STRING", "submission_date": "DATE", "linux": "BOOL"}, [("a", day(0), True)])
    pipeline.run()
    segment = Segment("linux", "os", "COALESCE(LOGICAL_OR(ds.linux), FALSE)")
    source = SegmentDataSource("os", "telemetry.os", "client_id", "submission_date", 0, 0)

    pipeline.plan = planned(simple(metric("hours", "SUM(hours) + 1")), as_of=WEEK_DUE)
    assert set(whys(pipeline).values()) == {"its definition changed"}

    config = replace(simple(HOURS), segments=(segment,), segment_data_sources=(source,))
    pipeline.plan = planned(config, as_of=WEEK_DUE)
    assert set(whys(pipeline).values()) == {"segment linux is new, or was read again"}


def test_windows_that_become_due_are_not_estimated_yet(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST + 1))
    pipeline.run()
    pipeline.plan = planned(simple(HOURS), as_of=WEEK_DUE + timedelta(days=1))

    assert whys(pipeline) == {("hours", "day", 8, 8): "activity was not read from 2026-05-13"}
