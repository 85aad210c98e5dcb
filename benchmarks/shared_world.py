"""Experiments of staggered starts over sources as telemetry is: wide, and of many units that are in no experiment."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa

from benchmarks.billing import BilledEngine
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.run.partials import ensure_partials
from jetstream_argo.run.paying import SharedEstimate
from jetstream_argo.run.scanning import scan_shared
from jetstream_argo.run.sharing import Found, shared_scans
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery
from tests.worlds.pipeline import START, Pipeline, experiment, metric, source, summary_of
from tests.worlds.several import BRANCHES, Several

EXPRESSIONS = ("SUM(hours)", "COUNT(*)", "COUNTIF(hours > 3)", "MAX(hours)", "COUNT(DISTINCT DATE(submission_date))")
RARE = "rare"  # a source of a few rows a day
READERS_OF_RARE = 3
ENROLLMENT_DAYS = 3
DAYS_BEFORE = 8
FILLERS = 8  # columns of a source that nobody reads


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is: `population` units have telemetry, of which `enrolled` are in an experiment."""

    experiments: int
    sources: int
    days: int
    population: int
    enrolled: int
    seed: int

    @property
    def names(self) -> tuple[str, ...]:
        """The sources; every other one says which branch a row is of."""
        return tuple(f"{'tagged' if number % 2 else 'plain'}{number}" for number in range(self.sources))


@dataclass
class World(Several):
    """Experiments in one warehouse that stays open: the embedded engine, or BigQuery where `fake` serves at `url`."""

    fake: FakeBigQuery | None = None
    url: str = ""
    enrolled: set[str] = field(default_factory=set)
    estimates: list[SharedEstimate] = field(default_factory=list)

    @cached_property
    def billed(self) -> BilledEngine:
        """What runs the queries, and counts their bytes."""
        if self.fake is not None:
            return cast(BilledEngine, self.fake.catalog.engine)
        return BilledEngine(self.root, clock=lambda: self.now().timestamp())

    @cached_property
    def engine(self) -> Engine:
        """The warehouse that all use."""
        if self.fake is None:
            return self.billed
        settings = BigQuerySettings(
            self.fake.project,
            api_endpoint=self.url,
            first_delay_seconds=0.01,
            longest_delay_seconds=0.05,
            longest_poll_seconds=0.02,
        )
        return BigQueryEngine(settings, attempt="benchmark")

    def pipeline(self, config: ExperimentConfig) -> Pipeline:
        """One of the experiments."""
        made = super().pipeline(config)
        made.engine = self.engine  # type: ignore[assignment]  # any engine will do
        return made

    def begin(self, day: date) -> None:
        """Have it be the morning after a day; the server's clock goes on from an hour before that."""
        self.as_of = day
        if self.fake is not None:
            morning = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) + timedelta(days=1)
            self.fake.clock.advance(morning - self.fake.clock.now())

    def enroll(self) -> None:
        """Find the units of all that have started; what is found stays as it is here."""
        for config in self.live():
            if config.slug not in self.enrolled and self.plan(config).sources[0].reads:
                self.pipeline(config).run(only=[EnrollmentsTask])
                self.enrolled.add(config.slug)

    def found(self) -> Found:
        """The scans that could be shared now, as the command estimates them."""
        plans = [self.plan(config) for config in self.live()]
        return shared_scans(plans, self.engine, now=self.now, by_dry_run=self.fake is not None)

    def share(self, fails: Callable[[SharedScan], bool] = lambda scan: False) -> list[SharedScan]:
        """Scan what pays by the estimate, but for what fails; return what was scanned."""
        found = self.found().estimates
        self.estimates += found
        made = [estimate.scan for estimate in found if estimate.pays and not fails(estimate.scan)]
        for scan in made:
            scan_shared(scan, self.engine, holder="benchmark", now=self.now, attempt=f"s{next(self.attempts)}")
        return made

    def read(self) -> int:
        """Have every experiment read its sources, each in the order in which its nodes would."""
        self.enroll()
        written = 0
        for config in self.live():
            if config.slug in self.enrolled:
                context = self.pipeline(config).context("day")
                for planned in context.plan.sources:
                    written += ensure_partials(context, planned, planned.reads, context.plan.metrics).written
        return written


def configurations(size: Size) -> tuple[ExperimentConfig, ...]:
    """Return experiments that start in the first two thirds of the days, with metrics of some sources."""
    rng = random.Random(size.seed)  # no secret
    return tuple(_configured(number, rng, size) for number in range(size.experiments))


def _configured(number: int, rng: random.Random, size: Size) -> ExperimentConfig:
    slug = f"experiment{number:02}"
    used = sorted(rng.sample(size.names, rng.randint(min(2, size.sources), min(4, size.sources))))
    used += [RARE] if number < READERS_OF_RARE else []
    metrics = [
        metric(f"{name}_{place}", expression, name)
        for name in used
        for place, expression in enumerate(sorted(rng.sample(EXPRESSIONS, 3)))
    ]
    branch = f"IF(ds.slug = '{slug}', ds.in_branch, NULL)"
    config = experiment(
        metrics,
        [source(name, branch=branch if name.startswith("tagged") else None) for name in used],
        {
            Period.PREENROLLMENT_WEEK: [summary_of(metrics[0].name, period=Period.PREENROLLMENT_WEEK)],
            Period.DAY: [summary_of(asked.name, period=Period.DAY) for asked in metrics],
            Period.WEEK: [summary_of(asked.name, "linear_model_mean") for asked in metrics],
        },
        enrollment_days=ENROLLMENT_DAYS,
        enrollments_sql=(
            "SELECT unit_id AS analysis_id, branch, MIN(day) AS enrollment_date, COUNT(*) AS num_enrollment_events\n"
            f"FROM telemetry.assignments\nWHERE slug = '{slug}'\nGROUP BY unit_id, branch"
        ),
        exposures_sql=None,
    )
    starts = 0 if number < READERS_OF_RARE else rng.randrange(max(size.days * 2 // 3, 1))
    return replace(config, slug=slug, start_date=START + timedelta(days=starts))


def fill(root: Path, configs: tuple[ExperimentConfig, ...], size: Size) -> None:
    """Make a warehouse's telemetry: four units in five have a row on a date."""
    rng = np.random.default_rng(size.seed)
    engine = EmbeddedEngine(root)
    ids = np.array([f"unit-{number:031}" for number in range(size.population)])
    members = {config.slug: rng.choice(size.population, size.enrolled, replace=False) for config in configs}
    assigned = [
        (config.slug, ids[unit], BRANCHES[place % 2], config.start_date + timedelta(days=int(rng.integers(4))))
        for config in configs
        for place, unit in enumerate(members[config.slug])
        if config.start_date is not None
    ]
    columns = dict(zip(("slug", "unit_id", "branch", "day"), zip(*assigned, strict=True), strict=True))
    _load(engine, "assignments", pa.table(columns))
    dates = [START + timedelta(days=number) for number in range(-DAYS_BEFORE, size.days)]
    in_any = np.unique(np.concatenate(list(members.values())))
    for name in size.names:
        _load(engine, name, pa.concat_tables(_rows(day, ids, members, rng, name) for day in dates))
    _load(engine, RARE, pa.concat_tables(_rows(day, ids[in_any][:20], members, rng, RARE) for day in dates))


def _rows(
    day: date, ids: "np.ndarray", members: dict[str, "np.ndarray"], rng: np.random.Generator, name: str
) -> pa.Table:
    there = np.flatnonzero(rng.random(len(ids)) < 0.8)
    columns: dict[str, object] = {
        "client_id": ids[there],
        "submission_date": pa.array([day] * len(there), pa.date32()),
        "hours": rng.random(len(there)) * 9,
    }
    if name.startswith("tagged"):
        slugs = list(members)
        drawn = rng.integers(len(slugs), size=len(there))
        branch_of = {(slug, unit): BRANCHES[n % 2] for slug, units in members.items() for n, unit in enumerate(units)}
        columns["slug"] = [slugs[number] for number in drawn]
        columns["in_branch"] = [branch_of.get((slugs[n], unit)) for n, unit in zip(drawn, there, strict=True)]
    columns |= {f"filler{number}": rng.random(len(there)) for number in range(FILLERS)}
    return pa.table(columns)


def _load(engine: EmbeddedEngine, name: str, rows: pa.Table) -> None:
    by = "day" if name == "assignments" else "submission_date"
    engine.load_arrow(f"telemetry.{name}", rows, write=Write.TRUNCATE, labels={}, layout=Layout(partition_by=by))
