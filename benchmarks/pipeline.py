"""The whole demo, node by node: processor time and memory, with plain SQL for the same numbers beside it.

    python -m benchmarks.pipeline [--units 6000] [--keep FOLDER]

Every node runs in a process of its own, one after the other, and is charged what that process used from the moment in
which it begins with the node: neither its start nor what a run's workers have loaded before. The limit is what a person
would write by hand for the statistics of one metric: DuckDB over the same files, one thread, without a record of what
was done and without the errors of BigQuery. The demo does not clip its means; here they are clipped, as they are by
default. Plain SQL joins values, segments and covariate once, and takes thresholds and moments from that; the
covariate's reference value, the mean of 10,000 quantiles a window, it leaves out, which the pipeline computes. Both
sides run here, and their means are compared; a difference ends the benchmark.

Then the demo runs as users run it, in a new folder: `jetstream-argo demo`, with as many warm workers as there are
processors, and once more, with nothing to do. That is charged with all of its processes, their starts and imports, and
the telemetry, which `telemetry` says the cost of.

The last line is the result. What is not compared with plain SQL here has no limit, and is said so.
"""

import argparse
import math
import multiprocessing
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path

from benchmarks.command_cost import cost_of
from jetstream_argo.cli.demo import demo_experiment, make_telemetry
from jetstream_argo.cli.local_run import PRELOADED
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Node
from jetstream_argo.plan import codec
from jetstream_argo.plan.model import AnalysisPlan, MetricStatistics
from jetstream_argo.run.context import Context, read_ledger
from jetstream_argo.run.nodes import run_node
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql, in_brackets
from jetstream_argo.sql.units import enrolled
from jetstream_argo.sql.value_rows import value_rows
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.store.currency import stored_units
from jetstream_argo.synthetic.effects import Effect
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

AS_OF = date(2026, 4, 6)
LEAF = "stats-day-active-hours"
METRIC = "active_hours"
CLIPPED = 0.005
MIB = 2**20
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a piece of work used: processor seconds, and the most memory that its process ever had."""

    seconds: float
    mib: float
    line: str


def clipping_experiment() -> tuple[AnalysisPlan, tuple[Effect, ...]]:
    """Return the demo with its means clipped."""
    plan, effects = demo_experiment()
    return replace(plan, statistics=tuple(_clipped(leaf) for leaf in plan.statistics)), effects


def _clipped(leaf: MetricStatistics) -> MetricStatistics:
    return replace(
        leaf,
        statistics=tuple(
            replace(asked, method=replace(asked.method, drop_highest=CLIPPED))
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


def ask_by_hand(warehouse: Path, _node: str) -> str:
    """Compute the moments of the leaf by plain SQL, and compare its means with the pipeline's."""
    (plan, _), engine = clipping_experiment(), EmbeddedEngine(warehouse)
    rows = _by_hand(engine, plan)
    view = names.statistics_view(plan, Period.DAY)
    query = Sql(
        "SELECT analysis_basis, window_index, segment, branch, point\n"
        f"FROM `{view}` WHERE metric = '{METRIC}' AND statistic = 'mean_lm' AND comparison IS NULL"
    )
    ours = {row[:4]: row[4] for row in engine.query(query, labels={}).rows}
    for key, mean in rows.items():
        if not math.isclose(float(str(ours[key])), mean, rel_tol=1e-9):
            raise SystemExit(f"{key}: {ours[key]} by the pipeline, {mean} by hand")
    return f"{len(rows)} means are the same"


def _by_hand(engine: EmbeddedEngine, plan: AnalysisPlan) -> dict[tuple[object, ...], float]:
    metric = plan.metric(METRIC)
    ledger = read_ledger(plan, engine)
    segments = [segment.name for segment in plan.enrollments.segments]
    relations = {"units": enrolled(plan, stored_units(plan, ledger), exposures=False)}
    for name, basis, period in (
        ("enrollments", Basis.ENROLLMENTS, Period.DAY),
        ("exposures", Basis.EXPOSURES, Period.DAY),
        ("before", Basis.ENROLLMENTS, Period.PREENROLLMENT_WEEK),
    ):
        table = names.values(plan, basis, metric.source, period)
        slices = ledger.window_slices(table, metric.column, plan.windows(period))
        relations[name] = in_brackets(value_rows(plan, table, slices, {"y": metric.column}))
    connection = engine._session.connection
    for name, relation in relations.items():
        translated = engine._session.prepare(Sql(f"SELECT * FROM {relation} AS r"))
        connection.execute(f"CREATE TEMP VIEW by_hand_{name} AS {translated.sql}")
    flags = ", ".join(f"CAST(u.{name} AS INTEGER) AS s{i}" for i, name in enumerate(segments, 1))
    connection.execute(
        "CREATE TEMP TABLE observed AS SELECT v.basis, v.window_index, v.branch, v.y, x.y AS x, 1 AS s0, "
        f"{flags} FROM (SELECT 'enrollments' AS basis, * FROM by_hand_enrollments UNION ALL "
        "SELECT 'exposures', * FROM by_hand_exposures) AS v "
        "JOIN by_hand_units AS u USING (analysis_id, branch) "
        "LEFT JOIN by_hand_before AS x USING (analysis_id, branch)"
    )
    found: dict[tuple[object, ...], float] = {}
    for i, segment in enumerate(["all", *segments]):
        rows = connection.execute(
            "WITH own AS (SELECT * FROM observed WHERE s" + str(i) + " = 1), "
            f"limits AS (SELECT basis, window_index, quantile_cont(y, {1 - CLIPPED}) AS top_y, "
            f"quantile_cont(x, {1 - CLIPPED}) AS top_x "
            "FROM own GROUP BY ALL), "
            "clipped AS (SELECT o.basis, o.window_index, o.branch, least(o.y, l.top_y) AS y, least(o.x, l.top_x) AS x "
            "FROM own AS o JOIN limits AS l USING (basis, window_index)) "
            "SELECT basis, window_index, branch, avg(y), count(*), var_samp(y), var_samp(x), covar_samp(x, y), avg(x) "
            "FROM clipped GROUP BY ALL"
        ).fetchall()
        found |= {(row[0], str(row[1]), segment, row[2]): row[3] for row in rows}
    return found


def charged(work: Callable[[Path, str], str], warehouse: Path, argument: str) -> Cost:
    """Do some work in a process of its own; return what it cost there."""
    with _SPAWN.Pool(1) as pool:
        return pool.apply(_measured, (work, warehouse, argument))


def _measured(work: Callable[[Path, str], str], warehouse: Path, argument: str) -> Cost:
    for module in PRELOADED:  # as the workers of a run have it
        import_module(module)
    started = time.process_time()
    line = work(warehouse, argument)
    seconds = time.process_time() - started
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, line)


def on_disk(folder: Path) -> float:
    """Return how many MiB the files of a folder take."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MIB


def main() -> int:
    """Run the demo node by node."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=6000)
    parser.add_argument("--keep", type=Path, help="where to leave the warehouse; used as it is if it is there")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="pipeline-"))
    try:
        telemetry = charged(make, folder, str(options.units))  # so that no node is charged for it
        dag = build_dag(clipping_experiment()[0])
        costs: dict[str, Cost] = {}
        before = on_disk(folder)
        print(f"{'node':40} {'CPU, s':>8} {'MiB':>7}  what it says")
        for node in (*dag.nodes, dag.last):
            costs[node.id] = charged(do_node, folder, node.id)
            cost = costs[node.id]
            print(f"{node.id:40} {cost.seconds:8.2f} {cost.mib:7.0f}  {cost.line[:60]}", flush=True)
        limit = charged(ask_by_hand, folder, LEAF)
        heaviest, most = max(costs.items(), key=lambda item: item[1].mib)
        written = on_disk(folder) - before
        print(f"by hand: {limit.line}; {written:.0f} MiB written; most memory {most.mib:.0f} MiB, {heaviest}")
        print(f"telemetry: {telemetry.seconds:.2f} s, {telemetry.mib:.0f} MiB")
        as_users_run_it(options.units)
        print(result(costs, limit))
    finally:
        if options.keep is None:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def as_users_run_it(units: int) -> None:
    """Run the demo by its command, twice, and print what that costs."""
    with tempfile.TemporaryDirectory(prefix="pipeline-") as folder:
        for when in ("as users run it", "once more"):
            print(f"{when}: {cost_of(['demo', '--folder', folder, '--units', str(units)]).line}", flush=True)


def result(costs: dict[str, Cost], limit: Cost) -> str:
    """Return the result as a line."""
    whole = sum(cost.seconds for cost in costs.values())
    ratio = costs[LEAF].seconds / limit.seconds
    return (
        f"{LEAF}: {costs[LEAF].seconds:.2f} s, limit {limit.seconds:.2f} s, ratio {ratio:.1f}; "
        f"whole: {whole:.1f} s, limit not written for the other {len(costs) - 1} nodes"
    )


if __name__ == "__main__":
    sys.exit(main())
