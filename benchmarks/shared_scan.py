"""What one scan for all experiments saves: experiments of staggered starts, day by day as the schedule runs them.

    python -m benchmarks.shared_scan [--engine embedded] [--experiments 30] [--sources 6] [--days 28] [--seed 1]
    python -m benchmarks.shared_scan --engine bigquery-server

Three times, in warehouses of their own, on the embedded engine or on the tests' server of BigQuery's protocol (smaller
by default): each experiment reads by itself; sources are read once for all where the estimate says that it pays; and
so, but a fifth of the scans fails. Telemetry has many units that are in no experiment, columns that nobody reads, and a
source of twenty units, which few experiments read.

Prints how many dates of sources were read, bytes as BigQuery bills them and as they are stored, and seconds by the
clock; and the least number of dates that is possible: that of (source, date, day of the run) of which some unit's rows
first became due, but for the small source, which each reads by itself. Then what was estimated, by source. Ends with 1
if partials of any experiment or the results of `--analysed` differ, if more than a tenth is read beyond the least, or
if the small source was shared.
"""

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from benchmarks.billing import BilledEngine
from benchmarks.shared_world import RARE, Size, World, configurations, fill
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.store.shared import SharedBatch
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, Rows, views
from tests.worlds.pipeline import START
from tests.worlds.several import PartialValues

EMBEDDED, SERVER = "embedded", "bigquery-server"
DEFAULTS = {EMBEDDED: (30, 6, 28), SERVER: (8, 3, 10)}
FAILING = 0.2
READ = ("partials", "shared")  # what is written by reading sources or copying

Fails = Callable[[SharedScan], bool]


@dataclass
class Figures:
    """What one way of reading took; dates of the small source are in `rare` as well."""

    days: int = 0
    rare: int = 0
    billed: int = 0
    stored: int = 0
    seconds: float = 0.0
    scans: int = 0
    first_due: int = 0


@dataclass
class Outcome:
    """What came of one way of reading."""

    figures: Figures
    estimated: dict[str, list[tuple[bool, int, int]]] = field(default_factory=dict)
    partials: list[PartialValues] = field(default_factory=list)
    results: dict[str, Rows] = field(default_factory=dict)


@contextmanager
def opened(root: Path, configs: tuple[ExperimentConfig, ...], engine: str) -> Iterator[World]:
    """Give the world whose warehouse is in a folder."""
    if engine == EMBEDDED:
        yield World(root, configs)
        return
    fake = FakeBigQuery(root, project=PROJECT, datasets=["telemetry", "results"], engine_type=BilledEngine)
    with serving(fake) as url:
        yield World(root, configs, fake=fake, url=url)


def lived(world: World, days: int, fails: Fails | None, *, analysed: int) -> Outcome:
    """Run every day as the schedule does, and so many analyses at the end; without `fails` nothing is shared."""
    figures = Figures()
    scanned: dict[tuple[str, int], SharedBatch] = {}
    for number in range(days):
        world.begin(START + timedelta(days=number))
        began = time.monotonic()
        if fails is not None:
            world.enroll()
            figures.scans += len(world.share(fails))
            scanned |= {(batch.table, batch.batch): batch for batch in world.held()}
        world.read()
        figures.seconds += time.monotonic() - began
    figures.billed = sum(world.billed.billed[kind] for kind in READ)
    figures.stored = sum(world.billed.stored[kind] for kind in READ)
    due: set[tuple[str, int, date]] = set()
    for config in world.configs:
        for entry in world.entries(config):
            if "shared_scan" not in entry.facts:
                figures.days += len(entry.extent)
                figures.rare += len(entry.extent) if entry.source == RARE else 0
                due |= {(entry.source, day, entry.recorded_at.date()) for day in entry.extent if entry.source != RARE}
    figures.first_due = len(due) + figures.rare
    figures.days += sum(len(batch.inputs) for batch in scanned.values())
    outcome = Outcome(figures, partials=[world.partials(config) for config in world.configs])
    for estimate in world.estimates:
        if estimate.alone is not None and estimate.together is not None:
            found = outcome.estimated.setdefault(estimate.scan.source, [])
            found.append((estimate.pays, estimate.together, estimate.alone))
    for config in world.live()[:analysed]:
        pipeline = world.pipeline(config)
        pipeline.run()
        pipeline.do(build_dag(pipeline.plan).last)
    outcome.results = dict(views(EmbeddedEngine(world.root), "results"))
    return outcome


def close(ours: object, theirs: object) -> bool:
    """Whether two values are the same, floats as far as an order of summation tells."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return abs(ours - theirs) <= 1e-12 * max(abs(ours), abs(theirs))
    return ours == theirs


def differing_partials(some: PartialValues, others: PartialValues) -> int:
    """Return how many values differ, or are on one side only."""
    return len(set(some) ^ set(others)) + sum(not close(some[key], others[key]) for key in set(some) & set(others))


def differing_results(some: dict[str, Rows], others: dict[str, Rows]) -> int:
    """Return how many rows of views differ, or are on one side only."""
    wrong = len(set(some) ^ set(others))
    for name in set(some) & set(others):
        ours, theirs = _in_order(some[name]), _in_order(others[name])
        wrong += abs(len(ours) - len(theirs))
        wrong += sum(not all(map(close, row, other)) for row, other in zip(ours, theirs, strict=False))
    return wrong


def _in_order(rows: Rows) -> list[tuple[object, ...]]:
    """Return rows in an order that the last digits of floats do not change."""

    def key(row: tuple[object, ...]) -> list[str]:
        return [f"{value:.6g}" if isinstance(value, float) else repr(value) for value in row]

    return sorted(rows.elements(), key=lambda row: (key(tuple(v for v in row if not isinstance(v, float))), key(row)))


def main() -> int:
    """Print the figures of the three ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=[EMBEDDED, SERVER], default=EMBEDDED)
    for name, default in (
        ("experiments", 0),
        ("sources", 0),
        ("days", 0),
        ("population", 6000),
        ("enrolled", 40),
        ("analysed", 3),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    experiments, sources, days = DEFAULTS[options.engine]
    size = Size(
        options.experiments or experiments, options.sources or sources, options.days or days,
        options.population, options.enrolled, options.seed,
    )  # fmt: skip
    return compared(size, options.engine, analysed=options.analysed)


def compared(size: Size, engine: str, *, analysed: int) -> int:
    """Run the three ways and print their figures; return 1 if something is wrong."""
    configs, luck = configurations(size), random.Random(size.seed + 1)  # no secret
    ways: dict[str, Fails | None] = {
        "each by itself": None,
        "read once for all": lambda scan: False,
        "a fifth of scans fails": lambda scan: luck.random() < FAILING,
    }
    found: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="shared-scan-") as scratch:
        filled = Path(scratch) / "filled"
        fill(filled, configs, size)
        for name, fails in ways.items():
            root = Path(scratch) / name.replace(" ", "-")
            shutil.copytree(filled, root)
            with opened(root, configs, engine) as world:
                found.append(lived(world, size.days, fails, analysed=analysed))
            if not found[0].figures.days:
                raise SystemExit(f"--days {size.days}: nothing is due so early; give more days")
            _print(name, found[-1].figures, found[0].figures)
    alone, once = found[0], found[1]
    for source, estimates in sorted(once.estimated.items()):
        _print_estimates(source, estimates)
    wrong = sum(
        differing_partials(*pair) for other in found[1:] for pair in zip(alone.partials, other.partials, strict=True)
    )
    wrong_rows = sum(differing_results(alone.results, other.results) for other in found[1:])
    rows = sum(view.total() for view in alone.results.values())
    limit = alone.figures.first_due
    ratio = once.figures.days / limit
    print(f"least possible: {limit} dates, {ratio:.3f} of it read once for all; partials that differ: {wrong}")
    print(f"rows of results that differ: {wrong_rows} of {rows:,} in {len(alone.results)} views")
    shared_rare = any(pays for pays, *_ in once.estimated.get(RARE, []))
    return 1 if wrong or wrong_rows or ratio > 1.1 or shared_rare else 0


def _print(name: str, figures: Figures, alone: Figures) -> None:
    print(
        f"{name:24} {figures.days:6} dates ({figures.days / alone.days:.2f}) "
        f"{figures.billed / 1e6:9.1f} MB billed ({figures.billed / alone.billed:.2f}) "
        f"{figures.stored / 1e6:8.1f} MB stored ({figures.stored / alone.stored:.2f}) "
        f"{figures.seconds:7.1f} s, {figures.scans} scans",
        flush=True,
    )


def _print_estimates(source: str, estimates: list[tuple[bool, int, int]]) -> None:
    for pays, decision in ((True, "shared"), (False, "left to each, as it does not pay")):
        chosen = [(together, alone) for decided, together, alone in estimates if decided is pays]
        if chosen:
            together, alone = (sum(column) / 1e6 for column in zip(*chosen, strict=True))
            print(f"  {source}: {decision}, {len(chosen)} times: {together:.2f} MB instead of {alone:.2f} MB estimated")


if __name__ == "__main__":
    sys.exit(main())
