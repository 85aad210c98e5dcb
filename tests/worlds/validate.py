"""Telemetry of three units, and experiments about them."""

from collections.abc import Sequence
from pathlib import Path

from jetstream_argo.config.model import ExperimentConfig, MetricDefinition, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.worlds.pipeline import START, experiment, source, summary_of

ACTIVITY = (
    Column("client_id", "STRING"),
    Column("submission_date", "DATE"),
    Column("hours", "FLOAT64"),
    Column("os", "STRING"),
)
ASSIGNMENTS = (Column("unit", "STRING"), Column("branch", "STRING"), Column("day", "DATE"))
EXPOSURES = (Column("unit", "STRING"), Column("day", "DATE"))
TELEMETRY = {
    "telemetry.assignments": ASSIGNMENTS,
    "telemetry.exposures": EXPOSURES,
    "telemetry.activity": ACTIVITY,
}
ROWS = {
    "telemetry.assignments": [
        {"unit": "a", "branch": "control", "day": START},
        {"unit": "b", "branch": "treatment", "day": START},
        {"unit": "c", "branch": "control", "day": START},
    ],
    "telemetry.exposures": [{"unit": "a", "day": START}],
    "telemetry.activity": [
        {"client_id": "a", "submission_date": START, "hours": 1.5, "os": "Windows"},
        {"client_id": "b", "submission_date": START, "hours": 2.5, "os": "Linux"},
    ],
}


def write_telemetry(root: Path) -> EmbeddedEngine:
    """Return a warehouse in which the telemetry is."""
    engine = EmbeddedEngine(root)
    for name, columns in TELEMETRY.items():
        dated = next(column.name for column in columns if column.type == "DATE")
        engine.load(
            name, ROWS[name], columns, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by=dated)
        )  # fmt: skip
    return engine


def config(metrics: Sequence[MetricDefinition], *, statistic: str = "bootstrap_mean") -> ExperimentConfig:
    """Return an experiment with a segment that asks for one statistic of each metric, each week."""
    segments = (Segment("fast", "by_os", "COALESCE(LOGICAL_OR(os = 'Linux'), FALSE)"),)
    segment_sources = (SegmentDataSource("by_os", "telemetry.activity", "client_id", "submission_date", -7, 0),)
    return experiment(
        metrics,
        [source("activity")],
        {Period.WEEK: [summary_of(metric.name, statistic) for metric in metrics]},
        segments=(segments, segment_sources),
    )
