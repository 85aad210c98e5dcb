"""A whole analysis in this process, on the embedded engine: what tests of several rooms share."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

from jetstream_argo.config.model import (
    AnalysisUnit,
    Basis,
    DataSource,
    ExperimentConfig,
    ExposureSignal,
    MetricDefinition,
    Segment,
    SegmentDataSource,
)
from jetstream_argo.config.periods import Period
from jetstream_argo.config.resolve.statistics import Table, read_statistic
from jetstream_argo.config.statistics import PeriodMetrics, Summary
from jetstream_argo.dag.build import build_dag, filtered
from jetstream_argo.dag.model import Node
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.plan import codec
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.model import Metric as PlannedMetric
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import TaskResult, run_node
from jetstream_argo.run.sparse import Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import enrolled
from jetstream_argo.store.currency import stored_units
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write

START = date(2026, 5, 4)
LONG_AFTER = datetime(2100, 1, 1, tzinfo=UTC)
Values = dict[tuple[str, str, int], Any]
BOTH = (Basis.ENROLLMENTS, Basis.EXPOSURES)

ENROLLMENTS = """
SELECT unit AS analysis_id, branch, MIN(day) AS enrollment_date, COUNT(*) AS num_enrollment_events
FROM telemetry.assignments
GROUP BY unit, branch
"""
EXPOSURES = """
SELECT e.analysis_id, e.branch, MIN(x.day) AS exposure_date, COUNT(*) AS num_exposure_events
FROM raw_enrollments AS e
INNER JOIN telemetry.exposures AS x ON x.unit = e.analysis_id AND x.day >= e.enrollment_date
GROUP BY e.analysis_id, e.branch
"""


def source(name: str, table: str | None = None, *, branch: str | None = None) -> DataSource:
    """A data source that is one table, with columns client_id and submission_date."""
    kind = "native" if branch else None
    return DataSource(name, table or f"telemetry.{name}", "client_id", "submission_date", kind, branch)


def metric(name: str, expression: str, source: str = "activity") -> MetricDefinition:
    """A metric on both bases."""
    return MetricDefinition(name, source, expression, (), BOTH)


def summary_of(
    metric: str, statistic: str = "count", table: Table | None = None, *, period: Period = Period.WEEK
) -> Summary:
    """A statistic that a metric's table in a file asks for."""
    return Summary(metric, read_statistic(statistic, table or {}, metric=metric, period=period))


def experiment(
    metrics: Sequence[MetricDefinition],
    sources: Sequence[DataSource],
    periods: Mapping[Period, Sequence[Summary]],
    *,
    end: date | None = None,
    enrollment_days: int = 2,
    segments: tuple[tuple[Segment, ...], tuple[SegmentDataSource, ...]] = ((), ()),
    signal: ExposureSignal | None = None,
    enrollments_sql: str = ENROLLMENTS,
    exposures_sql: str | None = EXPOSURES,
) -> ExperimentConfig:
    """An experiment of two branches that enrolls from 4 May 2026."""
    return ExperimentConfig(
        slug="try-it", app_name="app", analysis_unit=AnalysisUnit.CLIENT, branches=("control", "treatment"),
        reference_branch="control", start_date=START, end_date=end, is_complete=end is not None,
        enrollment_days=enrollment_days, sample_size=None, skip=False, is_private=False, is_rollout=False,
        dataset=None, enrollment_kind="custom", enrollments_sql=enrollments_sql, exposures_sql=exposures_sql,
        exposure_signal=signal, segments=segments[0], segment_data_sources=segments[1],
        data_sources=tuple(sources), metrics=tuple(metrics),
        periods=tuple(PeriodMetrics(period, tuple(asked)) for period, asked in periods.items()), outcomes=(),
    )  # fmt: skip


def planned(config: ExperimentConfig, *, as_of: date) -> AnalysisPlan:
    """The plan, with results in the dataset `results`."""
    return resolve(config, as_of=as_of, dataset="results")


@dataclass
class Pipeline:
    """One plan after the other in one warehouse. From `today` on the clock advances a second with every look at it.

    By default that is long after telemetry has settled, and after the warehouse's tables were made by its own clock.
    """

    root: Path
    plan: AnalysisPlan
    today: datetime = LONG_AFTER
    attempts: "count[int]" = field(default_factory=count)
    ticks: "count[int]" = field(default_factory=count)
    sparsity: Sparsity | None = None

    @cached_property
    def engine(self) -> EmbeddedEngine:
        """The warehouse, open as long as a worker's that does one node after the other; opening it is slow."""
        if self.today is LONG_AFTER:
            return EmbeddedEngine(self.root)
        return EmbeddedEngine(self.root, clock=lambda: self.now().timestamp())

    def now(self) -> datetime:
        """A time after every other that was told."""
        return self.today + timedelta(seconds=next(self.ticks))

    def context(self, node: str, metrics: Iterable[str] = ()) -> Context:
        """What a pod has."""
        engine = self.engine
        attempt = f"a{next(self.attempts)}"
        ledger = read_ledger(self.plan, engine)
        sha256 = codec.sha256(self.plan)
        return Context(
            self.plan, sha256, node, engine, attempt, self.now,
            metrics=frozenset(metrics), ledger=ledger, sparsity=self.sparsity,
        )  # fmt: skip

    def run(self, *, metrics: Sequence[str] = (), only: Sequence[type] = ()) -> dict[str, TaskResult]:
        """Do every node, or those whose tasks are of the types `only`; return how each ended, by id."""
        nodes = filtered(build_dag(self.plan), metrics).nodes
        return {node.id: self.do(node, metrics) for node in nodes if not only or isinstance(node.task, tuple(only))}

    def do(self, node: Node, metrics: Sequence[str] = ()) -> TaskResult:
        """Do one node."""
        return run_node(node, self.context(node.id, metrics))

    def units(self) -> Sql:
        """The relation of the enrolled units, with all that is known of them."""
        return enrolled(self.plan, stored_units(self.plan, read_ledger(self.plan, self.engine)))

    def put(self, name: str, types: Mapping[str, str], rows: Iterable[Mapping[str, Value] | Sequence[Value]]) -> None:
        """Replace the table of telemetry `name`, whose columns have these `types`; by its first date in partitions."""
        self.engine.load(
            f"telemetry.{name}",
            [row if isinstance(row, Mapping) else dict(zip(types, row, strict=True)) for row in rows],
            [Column(column, kind) for column, kind in types.items()],
            write=Write.TRUNCATE,
            labels={},
            layout=Layout(partition_by=next((column for column, kind in types.items() if kind == "DATE"), None)),
        )

    def values(self, name: str, period: Period, basis: Basis = Basis.ENROLLMENTS) -> Values:
        """The stored values of a metric by (analysis_id, branch, window)."""
        return self.all_values([self.plan.metric(name)], period, basis)[name]

    def all_values(self, metrics: Sequence[PlannedMetric], period: Period, basis: Basis) -> dict[str, Values]:
        """The stored values of metrics of one source, by the metric's name."""
        engine = self.engine
        ledger = read_ledger(self.plan, engine)
        table = names.values(self.plan, basis, metrics[0].source, period)
        columns = ", ".join(f"v.{metric.column}" for metric in metrics)
        query = f"SELECT v.batch, v.analysis_id, v.branch, v.window_index, {columns} FROM `{table}` AS v"
        rows = engine.query(Sql(f"{query} WHERE v.window_index >= 0"), labels={}).rows
        found: dict[str, Values] = {}
        for place, metric in enumerate(metrics, 4):
            slices = ledger.window_slices(table, metric.column, self.plan.windows(period))
            complete = {
                (batch, index) for slice_ in slices for batch in slice_.batches
                for index in range(slice_.first_index, slice_.last_index + 1)
            }  # fmt: skip
            of_metric = [row for row in rows if (row[0], row[3]) in complete]
            found[metric.name] = {(str(row[1]), str(row[2]), int(str(row[3]))): row[place] for row in of_metric}
            assert len(found[metric.name]) == len(of_metric)
        return found
