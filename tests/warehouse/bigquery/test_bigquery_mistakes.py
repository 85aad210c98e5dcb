"""What is wrong in an experiment's files, by the dry runs of BigQuery."""

from datetime import timedelta

import pytest

from jetstream_argo.config.model import MetricDefinition
from jetstream_argo.validate.mistakes import mistakes
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.pipeline import START, metric, planned
from tests.worlds.validate import ROWS, TELEMETRY, config


@pytest.fixture
def telemetry(engine: BigQueryEngine) -> BigQueryEngine:
    """The warehouse, with telemetry."""
    for name, columns in TELEMETRY.items():
        dated = next(column.name for column in columns if column.type == "DATE")
        engine.load(name, ROWS[name], columns, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by=dated))
    return engine


def found(engine: BigQueryEngine, *metrics: MetricDefinition) -> dict[str, str]:
    plan = planned(config([metric("hours", "SUM(hours)"), *metrics]), as_of=START + timedelta(days=8))

    def columns_of(table: str):
        info = engine.info(table)
        return info and info.columns

    return {mistake.where: mistake.what for mistake in mistakes(plan, engine.dry_run, columns_of, files={})}


def test_dry_runs_tell_the_key_and_the_nearest_column(telemetry: BigQueryEngine) -> None:
    assert found(telemetry) == {}
    assert found(telemetry, metric("odd", "SUM(houres)")) == {
        "metrics.odd.select_expression": "column 'houres' is not among those of [data_sources.activity]; "
        "did you mean 'hours'?"
    }
