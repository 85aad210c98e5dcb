"""An engine of the production warehouse whose other end is the fake."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving


@pytest.fixture
def fake(tmp_path: Path) -> FakeBigQuery:
    return FakeBigQuery(tmp_path / "warehouse", datasets=["d", "other", "shop", "telemetry"])


@pytest.fixture
def settings(fake: FakeBigQuery) -> Iterator[BigQuerySettings]:
    """Settings with which trying again takes milliseconds, and giving up a second."""
    with serving(fake) as url:
        yield BigQuerySettings(
            PROJECT,
            api_endpoint=url,
            retry_seconds=1.0,
            first_delay_seconds=0.01,
            longest_delay_seconds=0.05,
            longest_poll_seconds=0.05,
            cancel_seconds=1.0,
        )


@pytest.fixture
def engine(settings: BigQuerySettings) -> BigQueryEngine:
    return BigQueryEngine(settings, attempt="attempt-1", job_id_prefix="plan-node")
