"""Partition-days read and processor time: daily partials against one query per window, on the same engine and rows.

The experiment enrolls for 7 days and is observed for 28: days, weeks, 28 days, overall and before enrollment, on both
bases. The peer does what the existing system does: one query per data source, window and basis, over all of the dates
that the window needs. Telemetry holds more clients than the experiment enrolls, as tables of telemetry do: how many
more decides how much of either side is reading, and how much is writing values, which is the same on both. Both sides
take turns, in this one process, and their results are compared; a difference ends the benchmark.

    python benchmarks/scan.py [--units 10000] [--population 10 100] [--rounds 3] [--daily]

With `--daily` the pipeline is run as of every date in turn, as the schedule does, instead of once at the end.
"""

import argparse
import math
import shutil
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from jetstream_argo.config.model import Basis
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import EnrollmentsTask, SourceTask
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import enrolled
from jetstream_argo.sql.value_rows import value_rows
from jetstream_argo.sql.values import WindowGrid, direct_query
from jetstream_argo.store.currency import stored_units
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Job, Layout, Write

HERE = Path(__file__).parent
AS_OF = date(2026, 4, 6)


class Counting(EmbeddedEngine):
    """The embedded engine, counting the partitions of telemetry that its queries read."""

    read: Counter[str]

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Write rows, and count what was read for them."""
        job = super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)
        for table, partitions in job.scanned.items():
            if "telemetry" in table:
                self.read[table.rpartition(".")[2]] += partitions
        return job


@dataclass
class Side:
    """What one of the two took."""

    name: str
    seconds: list[float] = field(default_factory=list)
    partition_days: int = 0
    queries: int = 0


def main() -> None:
    """Run both sides in turn and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=10_000, help="how many enroll")
    parser.add_argument(
        "--population", type=int, nargs="+", default=[10], help="clients in the telemetry for each that enrolls"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--daily", action="store_true")
    options = parser.parse_args()
    for population in options.population:
        measure(options.units, population, rounds=options.rounds, daily=options.daily)


def measure(units: int, population: int, *, rounds: int, daily: bool) -> None:
    """Run both sides in turn on the telemetry of a population, and print the ratios."""
    plan = planned(AS_OF)
    ours, theirs = Side("daily partials"), Side("window queries")
    with tempfile.TemporaryDirectory(prefix="scan-") as folder:
        telemetry = Path(folder) / "telemetry"
        made = generate(plan, EmbeddedEngine(telemetry), units=units, seed=1)
        for table in ("telemetry_activity", "telemetry_search"):
            populate(EmbeddedEngine(telemetry), f"telemetry.{table}", population)
        rows = population * sum(t.rows for t in made if "telemetry_" in t.table)
        print(f"{units:,} units of {population * units:,} clients with {rows:,} rows of telemetry", flush=True)
        for round_ in range(rounds):
            for side, run in ((ours, run_ours), (theirs, run_theirs)):
                root = Path(folder) / f"{side.name.replace(' ', '-')}-{round_}"
                shutil.copytree(telemetry, root)
                run(side, plan, root, daily=daily)
                if side is theirs:
                    compare(plan, Path(folder) / f"daily-partials-{round_}", root)
            for side in (ours, theirs):
                shutil.rmtree(Path(folder) / f"{side.name.replace(' ', '-')}-{round_}")
    report(ours, theirs)


def populate(engine: EmbeddedEngine, table: str, times: int) -> None:
    """Give a table the rows of as many other clients as make it `times` as large."""
    others = Sql(
        f"SELECT t.* REPLACE (IF(k = 1, t.client_id, CONCAT(t.client_id, '-', CAST(k AS STRING))) AS client_id) "
        f"FROM {table} AS t CROSS JOIN UNNEST(GENERATE_ARRAY(1, {times})) AS k"
    )
    layout = Layout(partition_by="submission_date")
    engine.query_to_table(others, table, write=Write.TRUNCATE, labels={}, layout=layout)


def planned(as_of: date) -> AnalysisPlan:
    """The plan of the benchmark's experiment."""
    return plan_experiment(str(HERE / "scan.toml"), ConfigSources(), as_of=as_of, dataset="results").plan


def run_ours(side: Side, plan: AnalysisPlan, root: Path, *, daily: bool) -> None:
    """Run the nodes that read and merge, as of the last date or of every date."""
    first = plan.experiment.timeline.last_enrollment
    dates = [first + timedelta(days=n) for n in range((AS_OF - first).days + 1)] if daily else [AS_OF]
    engine = opened(root)
    started = time.process_time()
    for number, as_of in enumerate(dates):
        due = planned(as_of)
        for node in build_dag(due).nodes:
            if isinstance(node.task, EnrollmentsTask | SourceTask):
                ledger = read_ledger(due, engine)
                context = Context(
                    due, codec.sha256(due), node.id, engine, f"a{number}", lambda: datetime.now(UTC), ledger=ledger
                )
                failed = run_node(node, context).failed
                if failed:
                    raise SystemExit(f"{node.id}: {failed}")
    side.seconds.append(time.process_time() - started)
    side.partition_days = engine.read.total()
    side.queries = sum(entry.kind in ("partials", "values") for entry in read_ledger(plan, engine).entries)


def run_theirs(side: Side, plan: AnalysisPlan, root: Path, *, daily: bool) -> None:
    """Run one query for each data source, window and basis."""
    engine = opened(root)
    node = build_dag(plan).nodes[0]
    context = Context(plan, "", node.id, engine, "a", lambda: datetime.now(UTC))
    started = time.process_time()
    run_node(node, context)
    units = enrolled(plan, stored_units(plan, read_ledger(plan, engine)))
    engine.read.clear()  # the enrollments are the same on both sides
    side.queries = 0
    for source in plan.sources:
        for due in plan.periods:
            metrics = [
                metric for metric in plan.metrics if metric.source == source.name and due.period in metric.periods
            ]
            for basis in Basis:
                for window in due.windows if metrics else ():
                    query = direct_query(
                        plan, source, metrics, WindowGrid(basis, due.period, (window,), units), batch=0
                    )
                    engine.query_to_table(
                        query,
                        f"peer.{basis}_{source.name}_{due.period}_{window.index}",
                        write=Write.TRUNCATE,
                        labels={},
                        layout=Layout(),
                    )
                    side.queries += 1
    side.seconds.append(time.process_time() - started)
    side.partition_days = engine.read.total()


def compare(plan: AnalysisPlan, ours: Path, theirs: Path) -> None:
    """End the benchmark if the two sides differ in any value."""
    our_engine, their_engine = opened(ours), opened(theirs)
    ledger = read_ledger(plan, our_engine)
    for metric in plan.metrics:
        for period in metric.periods:
            for basis in Basis:
                table = names.values(plan, basis, metric.source, period)
                for window in plan.windows(period):
                    stored = ledger.window_slices(table, metric.column, [window])
                    found = value_rows(plan, table, stored, {"value": metric.column})
                    our_rows = values(our_engine, Sql(f"SELECT v.analysis_id, v.branch, v.value FROM ({found}) AS v"))
                    peer = f"`peer.{basis}_{metric.source}_{period}_{window.index}`"
                    yours = values(
                        their_engine, Sql(f"SELECT v.analysis_id, v.branch, v.{metric.column} FROM {peer} AS v")
                    )
                    if not same(our_rows, yours):
                        raise SystemExit(f"{metric.name} differs in {basis} {period} {window.index}")


def values(engine: EmbeddedEngine, sql: Sql) -> dict[tuple[str, str], object]:
    """One metric's values by unit and branch."""
    return {(str(row[0]), str(row[1])): row[2] for row in engine.query(sql, labels={}).rows}


def same(left: dict[tuple[str, str], object], right: dict[tuple[str, str], object]) -> bool:
    """Whether the values are equal; sums of floating-point numbers may differ by rounding."""
    return left.keys() == right.keys() and all(
        math.isclose(value, other, rel_tol=1e-9)
        if isinstance(value, float) and isinstance(other, float)
        else value == other
        for value, other in ((value, right[key]) for key, value in left.items())
    )


def opened(root: Path) -> Counting:
    """The warehouse, having read nothing yet."""
    engine = Counting(root)
    engine.read = Counter()
    return engine


def report(ours: Side, theirs: Side) -> None:
    """Print what both took, and how many times more the peer took."""
    print(f"{'':>16} {'queries':>8} {'partition-days':>15} {'processor s (median, min … max)':>32}")
    for side in (ours, theirs):
        spread = f"{statistics.median(side.seconds):.2f} ({min(side.seconds):.2f} … {max(side.seconds):.2f})"
        print(f"{side.name:>16} {side.queries:>8} {side.partition_days:>15} {spread:>32}")
    pairs = [theirs_ / ours_ for ours_, theirs_ in zip(ours.seconds, theirs.seconds, strict=True)]
    print(
        f"window queries read {theirs.partition_days / ours.partition_days:.1f} times the partition-days and take "
        f"{statistics.median(pairs):.1f} times as long ({min(pairs):.1f} … {max(pairs):.1f} over {len(pairs)} rounds)"
    )


if __name__ == "__main__":
    main()
