"""What one scan for all experiments saves: experiments of staggered starts, day by day as the schedule runs them.

    python -m benchmarks.shared_scan [--experiments 30] [--days 28] [--units 60] [--seed 1]

Three times, in warehouses of their own on the embedded engine: each experiment reads by itself; sources are read once
for all; and so, but a fifth of the scans fail. Prints how many dates of sources were read, bytes, and seconds by the
clock, beside the least that is possible: the number of (source, date, day of the run) of which some unit's rows first
became due. Ends with 1 if partials differ, or if more than a tenth is read beyond that.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path

from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.model import EnrollmentsTask
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.run.partials import ensure_partials
from jetstream_argo.store.shared import SharedBatch
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds.pipeline import START, Pipeline, experiment, metric, source, summary_of
from tests.worlds.several import ASSIGNED, BRANCHES, PLAIN, TAGGED, PartialValues, Several

SOURCES = ("plain0", "plain1", "plain2", "tagged0", "tagged1", "tagged2")
EXPRESSIONS = ("SUM(hours)", "COUNT(*)", "COUNTIF(hours > 3)", "MAX(hours)", "COUNT(DISTINCT DATE(submission_date))")
ENROLLMENT_DAYS = 3
FAILING = 0.2


@dataclass
class World(Several):
    """Experiments over six sources, in one warehouse that stays open."""

    enrolled: set[str] = field(default_factory=set)

    @cached_property
    def engine(self) -> EmbeddedEngine:
        """The warehouse that all use."""
        return EmbeddedEngine(self.root, clock=lambda: self.now().timestamp())

    def pipeline(self, config: ExperimentConfig) -> Pipeline:
        """One of the experiments."""
        made = super().pipeline(config)
        made.engine = self.engine
        return made

    def enroll(self) -> None:
        """Find the units of all that have started; what is found stays as it is here."""
        for config in self.live():
            if config.slug not in self.enrolled and self.plan(config).sources[0].reads:
                self.pipeline(config).run(only=[EnrollmentsTask])
                self.enrolled.add(config.slug)

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


def configured(number: int, rng: random.Random, days: int) -> ExperimentConfig:
    """Return an experiment that starts in the first two thirds of the days, with metrics of some sources."""
    slug = f"experiment{number:02}"
    used = sorted(rng.sample(SOURCES, rng.randint(2, 4)))
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
        },
        enrollment_days=ENROLLMENT_DAYS,
        enrollments_sql=(
            "SELECT unit AS analysis_id, branch, MIN(day) AS enrollment_date, COUNT(*) AS num_enrollment_events\n"
            f"FROM telemetry.assignments\nWHERE slug = '{slug}'\nGROUP BY unit, branch"
        ),
        exposures_sql=None,
    )
    return replace(config, slug=slug, start_date=START + timedelta(days=rng.randrange(max(days * 2 // 3, 1))))


def filled(root: Path, configs: tuple[ExperimentConfig, ...], options: argparse.Namespace) -> World:
    """Return a world in which all units do something on most days."""
    rng = random.Random(options.seed)  # no secret
    world = World(root, configs)
    ids = [f"u{number}" for number in range(options.units)]
    assigned = [
        (config.slug, unit, BRANCHES[place % 2], config.start_date + timedelta(days=rng.randint(0, ENROLLMENT_DAYS)))
        for config in configs
        for place, unit in enumerate(rng.sample(ids, options.units // 3))
        if config.start_date is not None
    ]
    branch_of = {(slug, unit): branch for slug, unit, branch, _ in assigned}
    world.put("assignments", ASSIGNED, assigned)
    dates = [START + timedelta(days=n) for n in range(-8, options.days)]
    for name in SOURCES:
        rows: list[tuple[str | float | date | None, ...]] = []
        for day in dates:
            for unit in ids:
                if rng.random() < 0.8:
                    slug = rng.choice(configs).slug
                    tail = (slug, branch_of.get((slug, unit))) if name.startswith("tagged") else ()
                    rows.append((unit, day, rng.random() * 9, *tail))
        world.put(name, TAGGED if name.startswith("tagged") else PLAIN, rows)
    return world


@dataclass
class Figures:
    """What one way of reading took."""

    days: int = 0
    bytes: int = 0
    seconds: float = 0.0
    scans: int = 0
    first_due: int = 0


def lived(world: World, options: argparse.Namespace, fails: Callable[[SharedScan], bool] | None) -> Figures:
    """Run every day as the schedule does; without `fails` nothing is shared."""
    figures = Figures()
    scanned: dict[tuple[str, int], SharedBatch] = {}
    for number in range(options.days):
        world.as_of = START + timedelta(days=number)
        began = time.monotonic()
        if fails is not None:
            world.enroll()
            figures.scans += len(world.share(fails))
            scanned |= {(batch.table, batch.batch): batch for batch in world.held()}
        world.read()
        figures.seconds += time.monotonic() - began
    due: set[tuple[str, int, date]] = set()
    for config in world.configs:
        for entry in world.entries(config):
            figures.bytes += entry.bytes
            if "shared_scan" not in entry.facts:
                figures.days += len(entry.places)
                due |= {(entry.source, day, entry.recorded_at.date()) for day in entry.places}
    figures.first_due = len(due)
    for batch in scanned.values():
        figures.days += len(batch.inputs)
        figures.bytes += batch.bytes
    return figures


def differing(some: PartialValues, others: PartialValues) -> int:
    """Return how many values differ by more than an order of summation tells, or are on one side only."""
    wrong = len(set(some) ^ set(others))
    for key in set(some) & set(others):
        ours, theirs = some[key], others[key]
        if isinstance(ours, float) and isinstance(theirs, float):
            wrong += abs(ours - theirs) > 1e-12 * max(abs(ours), abs(theirs))
        else:
            wrong += ours != theirs
    return wrong


def main() -> int:
    """Print the figures of the three ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("experiments", 30), ("days", 28), ("units", 60), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    rng = random.Random(options.seed)  # no secret
    configs = tuple(configured(number, rng, options.days) for number in range(options.experiments))
    luck = random.Random(options.seed + 1)  # no secret
    ways: dict[str, Callable[[SharedScan], bool] | None] = {
        "each by itself": None,
        "read once for all": lambda scan: False,
        "a fifth of scans fails": lambda scan: luck.random() < FAILING,
    }
    found: dict[str, Figures] = {}
    partials: list[list[PartialValues]] = []
    with tempfile.TemporaryDirectory(prefix="shared-scan-") as scratch:
        for place, (name, fails) in enumerate(ways.items()):
            world = filled(Path(scratch) / str(place), configs, options)
            found[name] = lived(world, options, fails)
            partials.append([world.partials(config) for config in configs])
            _print(name, found[name], found["each by itself"])
    wrong = sum(differing(*pair) for other in partials[1:] for pair in zip(partials[0], other, strict=True))
    limit = found["each by itself"].first_due
    ratio = found["read once for all"].days / limit
    print(f"least possible: {limit} dates; read once for all: {ratio:.3f} of it; partials that differ: {wrong}")
    return 1 if wrong or ratio > 1.1 else 0


def _print(name: str, figures: Figures, alone: Figures) -> None:
    print(
        f"{name:24} {figures.days:6} dates ({alone.days / figures.days:.2f} times fewer) "
        f"{figures.bytes / 1e6:8.1f} MB {figures.seconds:7.1f} s, {figures.scans} scans",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
