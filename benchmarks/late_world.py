"""A small warehouse whose telemetry comes late, and in which tasks are killed at a chosen write."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from benchmarks.late_dates import Row, Upstream
from jetstream_argo.config.model import Deletions, ExposureSignal, Segment, SegmentDataSource
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, ExportTask, SignalTask, SourceTask
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Job, Layout, Write
from tests.worlds.pipeline import EXPOSURES, START, experiment, metric, planned, source, summary_of

COLUMNS = {
    "assignments": {"unit": "STRING", "branch": "STRING", "day": "DATE"},
    "exposures": {"unit": "STRING", "day": "DATE"},
    "os": {"client_id": "STRING", "linux": "BOOL", "submission_date": "DATE"},
    "signals": {"client_id": "STRING", "submission_date": "DATE"},
    "activity": {"client_id": "STRING", "hours": "FLOAT64", "clicks": "INT64", "submission_date": "DATE"},
    "sessions": {"client_id": "STRING", "length": "FLOAT64", "submission_date": "DATE"},
}
READING = (EnrollmentsTask, SignalTask, SourceTask)
SHOWING = (*READING, ExportTask)
_ATTEMPTS = count()
ENROLLMENT = tuple(START + timedelta(days=n) for n in range(3))


class Killed(BaseException):
    """Nothing in the product catches this."""


@dataclass
class Mortality:
    """Kills whoever makes the write number `at`: before it, or after it was done."""

    at: int
    before: bool
    made: int = 0

    def around(self, write: Callable[[], Job | None]) -> Job | None:
        """Do a write, or die."""
        self.made += 1
        if self.made == self.at and self.before:
            raise Killed
        job = write()
        if self.made == self.at:
            raise Killed
        return job


class MortalEngine(EmbeddedEngine):
    """An engine whose writes may be the last thing that its task does."""

    def __init__(self, root: Path, clock: Callable[[], float], mortality: Mortality | None) -> None:
        super().__init__(root, clock=clock)
        self._mortality = mortality or Mortality(0, before=True)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Write the rows of a query."""
        return _job(
            self._mortality.around(
                lambda: super(MortalEngine, self).query_to_table(
                    sql, destination, write=write, labels=labels, layout=layout
                )
            )
        )

    def load(
        self,
        destination: str,
        rows: Sequence[Mapping[str, Value]],
        columns: Sequence[Column],
        *,
        write: Write,
        labels: Mapping[str, str],
        layout: Layout = Layout(),
    ) -> Job:
        """Write rows."""
        return _job(
            self._mortality.around(
                lambda: super(MortalEngine, self).load(
                    destination, rows, columns, write=write, labels=labels, layout=layout
                )
            )
        )

    def create_view(self, name: str, sql: Sql, *, description: str = "", labels: Mapping[str, str]) -> None:
        """Make a view."""
        self._mortality.around(
            lambda: super(MortalEngine, self).create_view(name, sql, description=description, labels=labels)
        )

    def delete(self, table: str) -> None:
        """Delete a table."""
        self._mortality.around(lambda: super(MortalEngine, self).delete(table))

    def salvage(self, table: str) -> None:
        """Keep what is whole of a table."""
        self._mortality.around(lambda: super(MortalEngine, self).salvage(table))


def _job(job: Job | None) -> Job:
    assert job is not None
    return job


def plan_of(as_of: date, deletions: Sequence[date] = (), *, has_signal: bool = False) -> AnalysisPlan:
    """Return the plan of two metrics by day and week, and one that is computed from all rows directly.

    A signal exposes units if `has_signal`, and a query of exposures otherwise.
    """
    metrics = [
        metric("hours", "SUM(hours)"),
        metric("clicks", "COALESCE(SUM(clicks), 0)"),
        metric("peak", "APPROX_QUANTILES(length, 1)[OFFSET(1)]", "sessions"),
    ]
    periods = {
        Period.DAY: [summary_of("hours", "linear_model_mean")],
        # Only counted: p-values are corrected for the number of all that are compared.
        Period.WEEK: [summary_of(metric.name, "linear_model_mean") for metric in metrics[:2]]
        + [summary_of("peak", "count")],
    }
    linux = Segment("linux", "os", "COALESCE(LOGICAL_OR(ds.linux), FALSE)")
    settings = experiment(
        metrics,
        [source("activity"), source("sessions")],
        periods,
        segments=((linux,), (SegmentDataSource("os", "telemetry.os", "client_id", "submission_date", 0, 0),)),
        signal=ExposureSignal("seen", source("signals"), "TRUE", None, None) if has_signal else None,
        exposures_sql=None if has_signal else EXPOSURES,
    )
    plan = planned(settings, as_of=as_of)
    return replace(plan, experiment=replace(plan.experiment, deletions=Deletions(tuple(deletions))))


def layout_of(name: str) -> Layout:
    """Return how a table of telemetry is stored: by its last column, the date."""
    return Layout(partition_by=list(COLUMNS[name])[-1])


class World:
    """A warehouse folder, and the tables of telemetry in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = datetime(2026, 5, 7, 5, tzinfo=UTC)
        self._ticks = count()
        self._writer = EmbeddedEngine(root, clock=lambda: self.tick().timestamp())

    def tick(self) -> datetime:
        """Return a time after every other that was told on this day."""
        return self.now + timedelta(milliseconds=next(self._ticks))

    def write(self, table: Upstream, rows: Mapping[date, Sequence[Row]], write: Write) -> None:
        """Write rows of telemetry, which have no date yet."""
        columns = COLUMNS[table.name]
        self._writer.load(
            f"telemetry.{table.name}",
            [dict(zip(columns, (*row, day), strict=True)) for day, of_day in rows.items() for row in of_day],
            [Column(name, kind) for name, kind in columns.items()],
            write=write,
            labels={},
            layout=layout_of(table.name),
        )

    def attempt(self) -> str:
        """Return a name that no other attempt has."""
        return f"{os.getpid()}-{next(_ATTEMPTS)}"

    def engine(self, mortality: Mortality | None = None) -> MortalEngine:
        """Open the warehouse."""
        return MortalEngine(self.root, lambda: self.tick().timestamp(), mortality)

    def run(self, plan: AnalysisPlan, *, only: tuple[type, ...] = (), mortality: Mortality | None = None) -> bool:
        """Do the nodes, all or those whose tasks are of the types `only`; return whether they succeeded.

        Raises:
            Killed: at the write that was asked for.
        """
        engine = self.engine(mortality)
        failed: set[str] = set()
        sha256 = codec.sha256(plan)
        dag = build_dag(plan)
        for node in (*dag.nodes, dag.last):
            if only and not isinstance(node.task, only):
                continue
            if not failed.isdisjoint(node.dependencies):
                failed.add(node.id)
                continue
            ledger = read_ledger(plan, engine)
            context = Context(plan, sha256, node.id, engine, self.attempt(), self.tick, ledger=ledger)
            try:
                if run_node(node, context).exit_code:
                    failed.add(node.id)
            except JetstreamArgoError:
                failed.add(node.id)
        return not failed


def results(engine: EmbeddedEngine, *, without: Collection[str] = (), dataset: str = "results") -> dict[str, list[str]]:
    """Return what readers see, view by view, as text, without the times of computation; no float decides the order.

    Columns and estimates of the metrics `without` are left out.
    """
    found: dict[str, list[str]] = {}
    for listed in engine.tables(dataset):
        if listed.is_view:
            rows = engine.query(Sql(f"SELECT v.* FROM `{listed.name}` AS v"), labels={}).dicts()
            kept = [
                {name: value for name, value in row.items() if name not in _PASSING and name not in without}
                for row in rows
                if row.get("metric") not in without
            ]
            kept.sort(key=lambda row: repr([value for value in row.values() if not isinstance(value, float)]))
            found[listed.name] = [repr(row) for row in kept]
    return found


_PASSING = ("batch", "computed_at", "plan", "position")
