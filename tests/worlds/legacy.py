"""Two small experiments that version 0.1 analysed: with segments and exposures, and with a signal."""

from dataclasses import replace
from datetime import date, timedelta

from jetstream_argo.config.model import ExposureSignal, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.pipeline import START, experiment, metric, planned, source, summary_of

AS_OF = date(2026, 5, 19)
UNITS = 12
TELEMETRY = {
    "assignments": {"unit": "STRING", "branch": "STRING", "day": "DATE"},
    "exposures": {"unit": "STRING", "day": "DATE"},
    "activity": {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64", "seen": "BOOL"},
}
_ADJUSTED: Table = {"covariate_adjustment": {"metric": "hours", "period": "preenrollment_week"}, "drop_highest": 0.0}


def plan_with_segments(*, hours: str = "SUM(hours)") -> AnalysisPlan:
    """Metrics that are composed, direct and adjusted, for all units, exposed ones and those of a segment."""
    metrics = [
        metric("hours", hours),
        metric("days", "COUNT(DISTINCT submission_date)"),
        metric("longest", "APPROX_QUANTILES(hours, 4)[OFFSET(3)]"),
    ]
    weekly = [
        summary_of("hours", "linear_model_mean", _ADJUSTED),
        summary_of("days", "sum"),
        summary_of("longest", "count"),
    ]
    segment = Segment("loyal", "before", "COALESCE(LOGICAL_OR(hours > 1.5), FALSE)")
    where = SegmentDataSource("before", "telemetry.activity", "client_id", "submission_date", -7, -1)
    config = experiment(metrics, [source("activity")], {Period.WEEK: weekly}, segments=((segment,), (where,)))
    return planned(config, as_of=AS_OF)


def plan_with_signal() -> AnalysisPlan:
    """A metric of the units that a signal exposes."""
    signal = ExposureSignal("seen", source("activity"), "seen", None, None)
    config = experiment(
        [metric("hours", "SUM(hours)")],
        [source("activity")],
        {Period.WEEK: [summary_of("hours", "count")]},
        exposures_sql=None,
        signal=signal,
    )
    return planned(replace(config, slug="with-signal"), as_of=AS_OF)


def make_telemetry(engine: EmbeddedEngine) -> None:
    """Fill the tables that the plans read: every unit has rows on most days from a week before it enrolled."""
    rows: dict[str, list[dict[str, Value]]] = {name: [] for name in TELEMETRY}
    for n in range(UNITS):
        unit, day = f"u{n}", START + timedelta(days=n % 2)
        rows["assignments"].append({"unit": unit, "branch": "treatment" if n % 3 else "control", "day": day})
        if n % 4:
            rows["exposures"].append({"unit": unit, "day": day + timedelta(days=n % 3)})
        for offset in range(-7, 16):
            if (n + offset) % 5:
                about = {"client_id": unit, "submission_date": day + timedelta(days=offset)}
                rows["activity"].append(about | {"hours": 0.5 + (n * offset) % 7 / 3, "seen": (n + offset) % 3 == 0})
    for name, columns in TELEMETRY.items():
        table_columns = [Column(column, type_) for column, type_ in columns.items()]
        engine.load(f"telemetry.{name}", rows[name], table_columns, write=Write.TRUNCATE, labels={})
