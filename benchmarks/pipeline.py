"""The whole demo, node by node: processor time and memory, with plain SQL for the same numbers beside it.

    python -m benchmarks.pipeline [--units 6000] [--keep FOLDER] [--fresh] [--without-instead]

Nodes are done one after the other by a worker as a run has it: its process stays, and with it what it has loaded, its
engine and its translations. The first node that needs something is charged for it. The most memory of a node is that
which its process had in the meantime; `on disk` says by how many MiB the warehouse grew. With `--fresh` every node has
a process of its own, charged from the moment in which it begins with the node; the leaf that is compared is measured
both ways, the second time on a copy.

The limit is what a person would write by hand: DuckDB over the same files, one thread, without a record of what was
done and without the errors of BigQuery. The demo does not clip its means; here they are clipped, as they are by
default. Of one leaf, plain SQL finds the moments from the stored values (`by_hand/leaf.py`). Of the whole it reads the
telemetry, each table once, and finds the points of all statistics (`by_hand/whole.py`): every row of every view is
compared, and a difference ends the benchmark. Not by hand are intervals, p-values and the other columns, which follow
from the same sums and counts; they are computed from few numbers, in milliseconds. Of ratios of totals the mean of the
resampling law is not found by hand, for it is an integral, but the ratio with its bias to the second order. The checks
of who has telemetry of another branch are left out.

Then the demo runs as users run it, in a new folder: `jetstream-argo demo`, with as many warm workers as there are
processors, and once more, with nothing to do. That is charged with all of its processes, their starts and imports, and
the telemetry, which `telemetry` says the cost of.

Up to 60,000 units it also measures what a user would do instead (`instead.py`). The last line is the result.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks.by_hand import comparing
from benchmarks.by_hand.leaf import CLIPPED, compared_leaf
from benchmarks.by_hand.whole import write_points
from benchmarks.charging import Cost, WarmWorker, charged
from benchmarks.command_cost import cost_of
from benchmarks.instead import measure
from jetstream_argo.cli.demo import demo_experiment, make_telemetry
from jetstream_argo.cli.local_run import LocalRun
from jetstream_argo.config.written import canonical
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Node
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

LEAF = "stats-day-active-hours"
READ_FOR_THE_LEAF = ("enrollments", "exposures", "pre-activity", "day-activity")
_BETWEEN = "(between nodes)"
_KINDS = {"enrollments": "units", "exposures": "units", "counts": "units", "export": "publishing", _BETWEEN: _BETWEEN}
MOST_INSTEAD = 60_000
MIB = 2**20


def clipping_experiment() -> tuple[AnalysisPlan, tuple[Effect, ...]]:
    """Return the demo with its means clipped."""
    plan, effects = demo_experiment()
    return replace(plan, statistics=tuple(_clipped(leaf) for leaf in plan.statistics)), effects


def _clipped(leaf: MetricStatistics) -> MetricStatistics:
    return replace(
        leaf,
        statistics=tuple(
            replace(
                asked,
                parameters=canonical({"drop_highest": CLIPPED}),
                method=replace(asked.method, drop_highest=CLIPPED),
            )
            if isinstance(asked.method, LinearModelMean)
            else asked
            for asked in leaf.statistics
        ),
    )


def make(warehouse: Path, units: str) -> str:
    """Write the telemetry of so many units, unless it is there."""
    plan, effects = clipping_experiment()
    make_telemetry(warehouse, plan, effects, units=int(units), seed=12)
    return ""


def do_node(warehouse: Path, node_id: str) -> str:
    """Do one node of the plan."""
    (plan, _), engine = clipping_experiment(), EmbeddedEngine(warehouse)
    dag = build_dag(plan)
    node: Node = dag.last if dag.last.id == node_id else dag.node(node_id)
    context = Context(
        plan, codec.sha256(plan), node_id, engine, f"{node_id}-1", lambda: datetime.now(UTC),
        ledger=read_ledger(plan, engine),
    )  # fmt: skip
    return run_node(node, context).line


def leaf_by_hand(warehouse: Path, _argument: str) -> str:
    """Compute the moments of the leaf by plain SQL from the stored values, and compare its means."""
    return compared_leaf(clipping_experiment()[0], warehouse)


def whole_by_hand(warehouse: Path, file: str) -> str:
    """Compute the points of all statistics by plain SQL from the telemetry."""
    return json.dumps(write_points(_telemetry(warehouse), Path(file)))


def _telemetry(warehouse: Path) -> Path:
    return warehouse / "local" / "demo"


def on_disk(folder: Path) -> float:
    """Return how many MiB the files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MIB


def main() -> int:
    """Run the demo node by node."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=6000)
    parser.add_argument("--keep", type=Path, help="where to leave the warehouse; used as it is if it is there")
    parser.add_argument("--fresh", action="store_true", help="have a process for every node")
    parser.add_argument("--without-instead", action="store_true", help="leave out what a user would do instead")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="pipeline-"))
    try:
        telemetry = charged(make, folder, str(options.units))  # so that no node is charged for it
        before = on_disk(folder)
        print(f"{'node':40} {'CPU, s':>8} {'MiB':>7} {'on disk':>8}  what it says")
        costs = fresh_costs(folder) if options.fresh else warm_costs(folder)
        heaviest, most = max(costs.items(), key=lambda item: item[1].mib)
        print(f"{on_disk(folder) - before:.0f} MiB written; most memory {most.mib:.0f} MiB, {heaviest}")
        print(f"telemetry: {telemetry.seconds:.2f} s, {telemetry.mib:.0f} MiB")
        leaf, whole = limits(folder)
        as_users_run_it(options.units)
        if options.units <= MOST_INSTEAD and not options.without_instead:
            instead(folder, costs)
        print(by_kind(costs, json.loads(whole.line)))
        print(result(costs, leaf, whole))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def warm_costs(folder: Path) -> dict[str, Cost]:
    """Do all nodes in one process; return what each cost, and what was done between them."""
    plan, _ = clipping_experiment()
    dag = build_dag(plan)
    costs: dict[str, Cost] = {}
    fresh = Cost(0.0, 0.0, "")
    with WarmWorker(LocalRun(plan, f"embedded:{folder}", jobs=1)) as worker:
        for node in (*dag.nodes, dag.last):
            if node.id == LEAF:
                fresh = _on_a_copy(folder, node.id)
            costs[node.id] = _shown(node.id, partial(worker.charged, node.id), folder)
    costs[_BETWEEN] = _shown(_BETWEEN, lambda: Cost(worker.between, 0.0, "frees memory"), folder)
    print(f"the leaf in a process of its own: {fresh.seconds:.2f} s, {fresh.mib:.0f} MiB")
    return costs


def fresh_costs(folder: Path) -> dict[str, Cost]:
    """Do every node in a process of its own; return what each cost."""
    dag = build_dag(clipping_experiment()[0])
    nodes = [node.id for node in (*dag.nodes, dag.last)]
    return {node: _shown(node, partial(charged, do_node, folder, node), folder) for node in nodes}


def _on_a_copy(folder: Path, node_id: str) -> Cost:
    """Do a node in a process of its own, on a copy of the warehouse; files of rows, which never change, are linked."""
    with tempfile.TemporaryDirectory(prefix="pipeline-", dir=folder.parent) as parent:
        copy = shutil.copytree(folder, Path(parent) / "copy", copy_function=_linked)
        return charged(do_node, copy, node_id)


def _linked(source: str, target: str) -> str:
    if source.endswith(".parquet"):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)


def _shown(name: str, work: Callable[[], Cost], folder: Path) -> Cost:
    """Do some work, print what it cost and by how much the files of the folder grew, and return the cost."""
    before = on_disk(folder)
    cost = work()
    written = on_disk(folder) - before
    print(f"{name:40} {cost.seconds:8.2f} {cost.mib:7.0f} {written:8.1f}  {cost.line.strip()[:60]}", flush=True)
    return cost


def limits(folder: Path) -> tuple[Cost, Cost]:
    """Return what the leaf and the whole cost by hand.

    Raises:
        SystemExit: a number differs.
    """
    leaf = charged(leaf_by_hand, folder, "")
    print(f"the leaf by hand: {leaf.seconds:.2f} s, {leaf.mib:.0f} MiB; {leaf.line}", flush=True)
    with tempfile.TemporaryDirectory(prefix="pipeline-") as scratch:
        file = Path(scratch) / "points.parquet"
        whole = charged(whole_by_hand, folder, str(file))
        by_pipeline = comparing.points_by_pipeline(clipping_experiment()[0], EmbeddedEngine(folder))
        agreement = comparing.compare(comparing.points_by_hand(file), by_pipeline)
    print(f"the whole by hand: {whole.seconds:.2f} s, {whole.mib:.0f} MiB; {agreement.line}", flush=True)
    return leaf, whole


def as_users_run_it(units: int) -> None:
    """Run the demo by its command, twice, and print what that costs."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        for when in ("as users run it", "once more"):
            print(f"{when}: {cost_of(['demo', '--folder', folder, '--units', str(units)]).line}", flush=True)


def instead(folder: Path, costs: dict[str, Cost]) -> None:
    """Print what a user would do instead for the leaf, and what ours does for it."""
    found = measure(_telemetry(folder))
    reads = sum(costs[node].seconds for node in READ_FOR_THE_LEAF)
    print(
        f"what a user would do instead, for {LEAF}: {found.line}; "
        f"ours: {reads + costs[LEAF].seconds:.1f} s, of which the leaf {costs[LEAF].seconds:.1f} s and "
        f"{', '.join(READ_FOR_THE_LEAF)} {reads:.1f} s"
    )


def by_kind(costs: dict[str, Cost], by_hand: dict[str, float]) -> str:
    """Return a line of what each kind of node takes, and the same by hand, where there is something like it."""
    kinds: dict[str, float] = {}
    for node, cost in costs.items():
        kind = "statistics" if node.startswith("stats-") else _KINDS.get(node, "values")
        kinds[kind] = kinds.get(kind, 0.0) + cost.seconds
    texts = [
        f"{kind} {seconds:.1f} s" + (f" (by hand {by_hand[kind]:.2f} s)" if kind in by_hand else "")
        for kind, seconds in kinds.items()
    ]
    return f"by kind of node: {', '.join(texts)}"


def result(costs: dict[str, Cost], leaf: Cost, whole: Cost) -> str:
    """Return the result as a line."""
    own, every_node = costs[LEAF].seconds, sum(cost.seconds for cost in costs.values())
    return (
        f"{LEAF}: {own:.2f} s, limit {leaf.seconds:.2f} s, ratio {own / leaf.seconds:.1f}; "
        f"whole: {every_node:.1f} s, limit {whole.seconds:.1f} s, ratio {every_node / whole.seconds:.1f}"
    )


if __name__ == "__main__":
    sys.exit(main())
