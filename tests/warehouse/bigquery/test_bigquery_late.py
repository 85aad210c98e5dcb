"""What comes of telemetry that is late, changes or goes, through BigQuery's client: the same tests over a server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.run.test_late_telemetry import (
    HOURS,
    LAST,
    WEEK_DUE,
    activity,
    at,
    entries,
    load,
    simple,
    telemetry,
    test_a_date_that_is_not_loaded_is_waited_for_and_the_others_are_done,
    test_a_date_that_was_half_loaded_is_read_again_and_nothing_else,
    test_a_segment_that_is_added_reads_its_own_source_and_no_date_of_any_metric,
    test_after_a_deletion_run_nothing_before_it_is_read_again,
    test_partials_that_are_gone_are_read_again,
    test_rows_that_a_killed_task_left_hide_no_date_that_is_gone,
    test_rows_that_went_are_told_and_not_read,
    test_units_that_enroll_late_are_added_and_dates_are_read_for_them_alone,
    total,
)
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.pipeline import START, planned

__all__ = [
    "test_a_date_that_is_not_loaded_is_waited_for_and_the_others_are_done",
    "test_a_date_that_was_half_loaded_is_read_again_and_nothing_else",
    "test_a_segment_that_is_added_reads_its_own_source_and_no_date_of_any_metric",
    "test_after_a_deletion_run_nothing_before_it_is_read_again",
    "test_partials_that_are_gone_are_read_again",
    "test_rows_that_a_killed_task_left_hide_no_date_that_is_gone",
    "test_rows_that_went_are_told_and_not_read",
    "test_units_that_enroll_late_are_added_and_dates_are_read_for_them_alone",
]


@pytest.fixture
def fake(tmp_path: Path) -> FakeBigQuery:
    """A server on the day on which enrollment begins: tables are made before anything is recorded about them."""
    made = FakeBigQuery(tmp_path, project=PROJECT, datasets=["telemetry", "results"])
    made.clock.advance(at(START) - datetime.now(UTC))
    return made


@pytest.fixture
def pipeline(tmp_path: Path, fake: FakeBigQuery) -> Iterator[RemotePipeline]:
    """An analysis through the client, at five in the morning of the day after a week is due."""
    with serving(fake) as url:
        today = at(WEEK_DUE + timedelta(days=1))
        made = RemotePipeline(tmp_path, planned(simple(HOURS), as_of=WEEK_DUE), today=today, url=url)
        telemetry(made)
        yield made


def test_partitions_that_expire_are_noticed_and_read_again_while_telemetry_has_them(
    fake: FakeBigQuery, pipeline: RemotePipeline
) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    before = len(entries(pipeline))
    (partials,) = [table.name for table in pipeline.engine.tables("results", prefix="partials_")]
    fake.catalog.store(f"{PROJECT}.{partials}", {"timePartitioning": {"type": "DAY", "field": "submission_date",
                                                                      "expirationMs": "1000"}})  # fmt: skip
    fake.catalog.expire()

    pipeline.run()

    assert total(pipeline) == 21
    assert len(entries(pipeline)) > before
