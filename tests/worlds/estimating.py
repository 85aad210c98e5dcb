"""A warehouse that holds metric values, and the plan they belong to: what tests of estimating share."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import count
from pathlib import Path

from jetstream_argo.config.model import AnalysisUnit, Basis, Segment
from jetstream_argo.config.periods import Period
from jetstream_argo.config.statistics import Covariate, Statistic, Step
from jetstream_argo.config.stored_statistics import StoredStatistic, StoredStep, statistic_of
from jetstream_argo.config.written import canonical
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.estimating.estimate import Estimated, Stored, estimate_metric
from jetstream_argo.estimating.groups import StatisticGroup
from jetstream_argo.estimating.observations import opened
from jetstream_argo.estimating.queries.leaf import StoredValues
from jetstream_argo.estimating.reading import MetricQueries
from jetstream_argo.plan.model import AnalysisPlan, Experiment, MetricStatistics
from jetstream_argo.plan.population import Enrollments, Signal
from jetstream_argo.plan.windows import AnalysisWindow, Timeline
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import WindowSlice
from jetstream_argo.sql.text import Sql, table
from jetstream_argo.stats.pretreatments import parse_pre_treatment
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write

WEEK = AnalysisWindow(1, 0, 6)
BEFORE = Covariate("before", Period.PREENROLLMENT_WEEK)
WHOLE = "INT64"
REAL = "FLOAT64"


def plan_of(
    branches: Sequence[str] = ("control", "treatment"), segments: Sequence[str] = (), signal: Signal | None = None
) -> AnalysisPlan:
    """A plan with these branches and segments, and nothing else that estimating reads."""
    start = date(2026, 5, 4)
    experiment = Experiment(
        "try-it", "app", AnalysisUnit.CLIENT, tuple(branches), branches[0], Timeline(start, 2, None),
        is_complete=False, is_private=False, sample_size=None, outcomes=(), url=None,
    )  # fmt: skip
    own = tuple(Segment(name, "clients", "TRUE") for name in segments)
    return AnalysisPlan(
        1, experiment, start, "results", Enrollments("k", "custom", "", None, own, ()), signal, tuple(Basis),
        periods=(), sources=(), metrics=(), statistics=(),
    )  # fmt: skip


@dataclass(frozen=True)
class Unit:
    """An enrolled unit: its values by basis and window (a missing key: no row), and what it is in."""

    branch: str
    values: Mapping[tuple[Basis, int], Value]
    before: Value = None
    divisor: Value = None
    segments: tuple[str, ...] = ()


def units_of(branch: str, values: Sequence[Value], others: Sequence[Value] = ()) -> list[Unit]:
    """Units of one branch with these values in window 1 of the enrollments; `others` are covariate and divisor."""
    padded = list(others) or [None] * len(values)
    return [Unit(branch, {(Basis.ENROLLMENTS, 1): y}, x, x) for y, x in zip(values, padded, strict=True)]


@dataclass
class Counting(EmbeddedEngine):
    """A warehouse that remembers its queries, and what it answered with how many rows a page.

    It `keeps` temporary tables, so that queries of them can be asked again; `made` has the queries that wrote them.
    """

    keeps: bool = True
    asked: list[Sql] = field(default_factory=list)
    made: list[Sql] = field(default_factory=list)
    answered: list[tuple[int, Result]] = field(default_factory=list)
    opened: "count[int]" = field(default_factory=count)

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.keeps = True
        self.asked = []
        self.made = []
        self.answered = []
        self.opened = count()

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query."""
        self.asked.append(sql)
        result = super().query(sql, labels=labels, page_rows=page_rows)
        self.answered.append((page_rows, result))
        return result

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows."""
        self.made.append(sql)
        return super().query_to_table(
            sql, destination, write=write, labels=labels, layout=replace(layout, temporary=not self.keeps)
        )

    def delete(self, table: str) -> None:
        """Keep the table, or delete it."""
        if not self.keeps:
            super().delete(table)


@dataclass(frozen=True)
class World:
    """Units in a warehouse."""

    engine: Counting
    plan: AnalysisPlan
    stored: Stored

    def estimate(self, *statistics: Statistic, windows: Sequence[AnalysisWindow] = (WEEK,)) -> Estimated:
        """Estimate statistics of the metric."""
        wanted = MetricStatistics(Period.WEEK, "clicks", "k", statistics)
        return estimate_metric(self.plan, wanted, self.stored, self.engine, windows=windows, labels={})

    def opened(
        self, groups: Sequence[StatisticGroup], windows: Sequence[AnalysisWindow]
    ) -> AbstractContextManager[MetricQueries]:
        """The rows that the statistics of some groups are computed from."""
        scratch = f"results.scratch_{len(self.engine.asked)}_{next(self.engine.opened)}"
        return opened(self.plan, self.stored, groups, self.engine, windows=windows, labels={}, scratch=scratch)

    def ratio(self, *statistics: Statistic) -> Estimated:
        """Estimate statistics of the metric that is made of the values and the divisors."""
        values = self.stored.values["clicks"]
        divisors = tuple(replace(value, column="divisor") for value in values)
        stored = replace(self.stored, values={"clicks": values, "visits": divisors}, covariates={})
        wanted = MetricStatistics(Period.WEEK, "click_rate", "k", statistics)
        return estimate_metric(self.plan, wanted, stored, self.engine, windows=(WEEK,), labels={})


def world_of(
    root: Path,
    units: Sequence[Unit],
    *,
    kind: str = REAL,
    other: str = REAL,
    branches: Sequence[str] = ("control", "treatment"),
    segments: Sequence[str] = (),
    covariate: bool = True,
) -> World:
    """Store the units' values as a source's node does, `kind` and `other` being their types."""
    engine, plan = Counting(root), plan_of(branches, segments)
    ids = [f"u{number}" for number in range(len(units))]
    who = [Column("analysis_id", "STRING"), Column("branch", "STRING")]
    dates = [Column("enrollment_date", "DATE"), Column("exposure_date", "DATE")]
    enrolled: list[dict[str, Value]] = [
        {
            "analysis_id": name, "branch": unit.branch, "enrollment_date": date(2026, 5, 4),
            "exposure_date": date(2026, 5, 5) if any(basis is Basis.EXPOSURES for basis, _ in unit.values) else None,
            **{segment: segment in unit.segments for segment in segments},
        }
        for name, unit in zip(ids, units, strict=True)
    ]  # fmt: skip
    columns = [*who, *dates, *(Column(segment, "BOOL") for segment in segments)]
    engine.load(names.enrollments(plan), enrolled, columns, write=Write.TRUNCATE, labels={})
    indexes = {index for unit in units for _, index in unit.values} or {1}
    slices = (WindowSlice((1,), min(indexes), max(indexes), ("clicks",)),)
    layout = [Column("batch", "INT64"), *who, Column("window_index", "INT64")]
    stored = []
    for basis in Basis:
        rows: list[dict[str, Value]] = [
            {"batch": 1, "analysis_id": name, "branch": unit.branch, "window_index": index, "clicks": value,
             "divisor": unit.divisor}
            for name, unit in zip(ids, units, strict=True)
            for (metric_name, index), value in unit.values.items()
            if metric_name is basis
        ]  # fmt: skip
        name = f"results.values_{basis.value}"
        if rows:
            values = [*layout, Column("clicks", kind), Column("divisor", other)]
            engine.load(name, rows, values, write=Write.TRUNCATE, labels={})
        stored.append(StoredValues(basis, name, "clicks", slices if rows else ()))
    before: list[dict[str, Value]] = [
        {"batch": 1, "analysis_id": name, "branch": unit.branch, "window_index": 1, "before": unit.before}
        for name, unit in zip(ids, units, strict=True)
    ]
    engine.load("results.before", before, [*layout, Column("before", other)], write=Write.TRUNCATE, labels={})
    x = StoredValues(Basis.ENROLLMENTS, "results.before", "before", slices)
    return World(
        engine,
        plan,
        Stored({"clicks": tuple(stored)}, table(names.enrollments(plan)), {BEFORE: x if covariate else None}),
    )


def statistic(name: str, *steps: Step, covariate: Covariate | None = None, **parameters: object) -> Statistic:
    """A statistic as a plan has it."""
    stored = tuple(StoredStep(step.name, step.arguments) for step in steps)
    return statistic_of(StoredStatistic(name, canonical(parameters), stored, covariate))


def step(name: str, **arguments: object) -> Step:
    """A pre-treatment as a plan has it."""
    return Step(name, canonical(arguments), parse_pre_treatment(name, arguments))


def points(estimated: Estimated, *, comparison: object = None) -> dict[str, float | None]:
    """The points of the branches themselves, in the segment of all."""
    rows = [row.row for row in estimated.rows if row.segment == "all" and row.row.comparison == comparison]
    return {row.branch: row.point for row in rows}
