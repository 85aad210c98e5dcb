"""Several experiments of different starts in one warehouse, over a source that names branches and one that does not."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from pathlib import Path

from jetstream_argo.config.model import DataSource, ExperimentConfig, MetricDefinition
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.partials import ensure_partials
from jetstream_argo.run.scanning import scan_shared
from jetstream_argo.run.sharing import Found, shared_scans
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, Kind
from jetstream_argo.store.shared import SharedBatch, shared_batches
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds.pipeline import START, Pipeline, experiment, metric, planned, source, summary_of

HOURS = metric("hours", "SUM(hours)", "plain")
OFTEN = metric("often", "COALESCE(COUNTIF(hours > 3), 0)", "plain")
SEEN = metric("seen", "COUNT(DISTINCT DATE(submission_date))", "tagged")
LOAD = metric("load", "SAFE_DIVIDE(SUM(hours), COUNT(*))", "tagged")
METRICS = (HOURS, SEEN, LOAD)
BRANCHES = ("control", "treatment")
ASSIGNED = {"slug": "STRING", "unit": "STRING", "branch": "STRING", "day": "DATE"}
PLAIN = {"client_id": "STRING", "submission_date": "DATE", "hours": "FLOAT64"}
TAGGED = {**PLAIN, "slug": "STRING", "in_branch": "STRING"}
# A value of a partial, by source, column, date, unit and branch; without unit what it is for one without rows.
PartialValues = dict[tuple[str, str, date, str | None, str, date], Value]


def configured(
    slug: str, starts: int = 0, metrics: Sequence[MetricDefinition] = METRICS, *, days: int = 1
) -> ExperimentConfig:
    """An experiment that enrolls for so many days, from so many days after the first start on."""
    enrollments = (
        "SELECT unit AS analysis_id, branch, MIN(day) AS enrollment_date, COUNT(*) AS num_enrollment_events\n"
        f"FROM telemetry.assignments\nWHERE slug = '{slug}'\nGROUP BY unit, branch"
    )
    tagged: DataSource = source("tagged", branch=f"IF(ds.slug = '{slug}', ds.in_branch, NULL)")
    config = experiment(
        metrics,
        [source("plain"), tagged],
        {Period.DAY: [summary_of(asked.name, period=Period.DAY) for asked in metrics]},
        enrollment_days=days,
        enrollments_sql=enrollments,
        exposures_sql=None,
    )
    return replace(config, slug=slug, start_date=START + timedelta(days=starts))


@dataclass
class Several:
    """Experiments in one warehouse; `as_of` is the last day of telemetry, and it is five in the morning after it."""

    root: Path
    configs: tuple[ExperimentConfig, ...]
    as_of: date = START
    attempts: "count[int]" = field(default_factory=count)
    ticks: "count[int]" = field(default_factory=count)

    def fill(self, seed: int, *, units: int = 8, days: int = 8) -> None:
        """Draw who takes part in what, and what everybody does on every day."""
        rng = random.Random(seed)  # no secret
        ids = [f"u{n}" for n in range(units)]
        assigned = [
            (config.slug, unit, BRANCHES[number % 2], config.start_date + timedelta(days=rng.randint(0, 1)))
            for config in self.configs
            for number, unit in enumerate(rng.sample(ids, units - 2))
            if config.start_date is not None
        ]
        dates = [START + timedelta(days=n) for n in range(days)]
        active = [(unit, day, rng.random() * 9) for day in dates for unit in ids for _ in range(rng.randint(0, 2))]
        branch_of = {(slug, unit): branch for slug, unit, branch, _ in assigned}
        tagged = []
        for unit, day, hours in active:
            slug = rng.choice(self.configs).slug
            tagged.append((unit, day, hours, slug, branch_of.get((slug, unit)) if rng.random() < 0.8 else None))
        self.put("assignments", ASSIGNED, assigned)
        self.put("plain", PLAIN, active)
        self.put("tagged", TAGGED, tagged)

    def put(self, name: str, types: Mapping[str, str], rows: Iterable[Sequence[Value]]) -> None:
        """Replace a table of telemetry."""
        self.pipeline(self.configs[0]).put(name, types, rows)

    def now(self) -> datetime:
        """A time after every other that was told."""
        morning = datetime(self.as_of.year, self.as_of.month, self.as_of.day, 5, tzinfo=UTC) + timedelta(days=1)
        return morning + timedelta(seconds=next(self.ticks))

    def plan(self, config: ExperimentConfig) -> AnalysisPlan:
        """The plan of what is due."""
        return planned(config, as_of=self.as_of)

    def pipeline(self, config: ExperimentConfig) -> Pipeline:
        """One of the experiments."""
        return Pipeline(self.root, self.plan(config), today=self.now(), attempts=self.attempts, ticks=self.ticks)

    def live(self) -> list[ExperimentConfig]:
        """Those that have started."""
        return [config for config in self.configs if config.start_date is not None and config.start_date <= self.as_of]

    def enroll(self) -> None:
        """Find the units of all that have started."""
        for config in self.live():
            self.pipeline(config).run(only=[EnrollmentsTask])

    def found(self) -> Found:
        """The scans that could be shared now."""
        engine = self.pipeline(self.configs[0]).engine
        return shared_scans([self.plan(config) for config in self.live()], engine, now=self.now)

    def share(self, fails: Callable[[SharedScan], bool] = lambda scan: False) -> list[SharedScan]:
        """Scan what could be shared, but for what fails; return what was scanned."""
        made = [estimate.scan for estimate in self.found().estimates if not fails(estimate.scan)]
        for scan in made:
            engine = self.pipeline(self.configs[0]).engine
            scan_shared(scan, engine, holder="a test", now=self.now, attempt=f"s{next(self.attempts)}")
        return made

    def read(self) -> int:
        """Have every experiment read its sources, and make no values of that; return how many queries it took."""
        written = 0
        for config in self.live():
            pipeline = self.pipeline(config)
            pipeline.run(only=[EnrollmentsTask])
            for planned_source in pipeline.plan.sources:
                context = pipeline.context(f"day-{planned_source.name}")
                done = ensure_partials(context, planned_source, planned_source.reads, pipeline.plan.metrics)
                assert not done.errors
                written += done.written
        return written

    def held(self) -> tuple[SharedBatch, ...]:
        """What is recorded of scans that were shared."""
        return shared_batches(self.pipeline(self.configs[0]).engine, "results", now=self.now(), labels={})

    def rows(self, sql: str) -> list[tuple[Value, ...]]:
        """The rows of a query."""
        return list(self.pipeline(self.configs[0]).engine.query(Sql(sql), labels={}).rows)

    def entries(self, config: ExperimentConfig) -> list[Entry]:
        """What is recorded of an experiment's partials."""
        pipeline = self.pipeline(config)
        return [entry for entry in read_ledger(pipeline.plan, pipeline.engine).entries if entry.kind is Kind.PARTIALS]

    def partials(self, config: ExperimentConfig) -> PartialValues:
        """All that counts of an experiment's partials."""
        pipeline = self.pipeline(config)
        plan, engine = pipeline.plan, EmbeddedEngine(self.root)  # reads whole tables
        ledger = read_ledger(plan, pipeline.engine)
        found: PartialValues = {}
        for planned_source in plan.sources:
            name = names.partials(plan, planned_source.name)
            if engine.info(name) is None:
                continue
            rows = list(engine.query(Sql(f"SELECT p.* FROM `{name}` AS p"), labels={}).dicts())
            for partial in planned_source.partials:
                for ordinal, batches in ledger.batches_on(name, partial.column).items():
                    day, batch = date.fromordinal(ordinal), {stored.batch for stored in batches.values()}
                    for row in rows:
                        if row["batch"] in batch and row["submission_date"] in (None, day):
                            unit, branch, since = row["analysis_id"], row["branch"], row["enrollment_date"]
                            key = (planned_source.name, partial.column, day, unit, branch, since)
                            assert key not in found
                            found[key] = row[partial.column]
        return found
