"""What becomes of units that were deleted upstream, through BigQuery's client: the same tests over a server."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.config.model import Deletions
from tests.run.test_deleted_units import HOURS, WEEK_DUE, hold, simple, test_units_deleted_then_a_metric_added
from tests.upkeep.test_restate import test_units_deleted_then_restated
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline
from tests.worlds.pipeline import planned

__all__ = ["test_units_deleted_then_a_metric_added", "test_units_deleted_then_restated"]


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[RemotePipeline]:
    """A week of three units was analysed through the client, and `c` was deleted upstream since, on request."""
    plan = planned(simple(HOURS), as_of=WEEK_DUE)
    sealed = replace(plan.experiment, deletions=Deletions((WEEK_DUE + timedelta(days=1),)))
    with serving(FakeBigQuery(tmp_path, project=PROJECT, datasets=["telemetry", "results"])) as url:
        # Commands look at the clock of this machine, and so does the server.
        today = datetime.now(UTC) - timedelta(minutes=5)
        made = RemotePipeline(tmp_path, replace(plan, experiment=sealed), today=today, url=url)
        hold(made, ["a", "b", "c"])
        made.run()
        hold(made, ["a", "b"])
        yield made
