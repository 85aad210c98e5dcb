"""Whether every SQL statement for every real experiment is right: by ZetaSQL, and by running it on made-up rows.

Usage: python -m benchmarks.statements [--every N] [--first N] [--cover] [--run] [--units N] [--seconds N] [--log FILE]

Reads the configurations in ../shared/metric-hub: all of them, every N-th from the `--first`, or, with `--cover`, few
of them, with few of their metrics, that together have what `benchmarks/covering.py` says; those that add most come
first. Each is analysed as of half a year after its end, when all its periods are due; it is observed for
30 days, so that every period has a window; of the daily windows, three are enough, as statements differ only in lists.

With `--run`, each is computed on the embedded engine for `--units` made-up units (more where none of them enrolls), and
ZetaSQL's evaluator computes every statement again on the same rows; no other experiment is begun after `--seconds`.
Statements that are alike but for names, dates and numbers count, and are analysed, once; so a metric's statistics are
computed only if no metric with values of that type was asked for the same. Tables of telemetry have the columns that
the SQL of their experiment says. What is wrong is in `--log` with its statement. The exit code is 1 if anything is.
"""

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice, product
from pathlib import Path
from typing import cast

from benchmarks.both_engines import BothEngines, Compared
from benchmarks.covering import covering
from benchmarks.emit import START, configurations
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Node, StatisticsTask
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.errors import JetstreamArgoError
from jetstream_argo.plan import codec
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.nodes import run_node
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.validate.analysts import LocalAnalyst
from jetstream_argo.validate.signatures import Memory, SparingAnalyst
from jetstream_argo.validate.statements import Rehearsed, rehearse
from jetstream_argo.validate.telemetry import telemetry_columns
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine

OBSERVED = 30  # days
AFTER = 180  # days
WINDOWS = 3  # of a period
MORE = (8, 64)  # times as many units, where none enrolls
PROGRESS = 20  # experiments
SHOWN = 200  # characters of a message


@dataclass
class Sweep:
    """What is known of the experiments so far."""

    service: Service = field(default_factory=start)
    memory: Memory = field(default_factory=Memory)
    compared: Compared = field(default_factory=Compared)
    estimated: set[str] = field(default_factory=set)

    def analysed(self, plan: AnalysisPlan) -> Rehearsed:
        """Have ZetaSQL analyse all statements."""
        telemetry = telemetry_columns(plan, {})
        local = LocalAnalyst(telemetry, self.service)
        try:
            sparing = SparingAnalyst(local, telemetry, memory=self.memory, slug=plan.experiment.slug)
            return rehearse(plan, sparing)
        finally:
            local.close()

    def run(self, config: ExperimentConfig, folder: Path, *, units: int) -> list[tuple[str, str, str]]:
        """Compute everything on made-up rows; return what failed and what differs: (node, metric, message)."""
        plan, engine = populated(config, folder, units)
        both = BothEngines(plan, engine, telemetry_columns(plan, {}), self.service, self.compared)
        ledger, seconds = Ledger(), count()
        dag = build_dag(plan)
        failed: list[tuple[str, str, str]] = []
        for node in filter(None, (self._new(plan, engine, node) for node in (*dag.nodes, dag.last))):

            def now() -> datetime:
                return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))

            context = Context(plan, codec.sha256(plan), node.id, cast(Engine, both), "rehearsal", now, ledger=ledger)
            try:
                failed += [(node.id, metric, str(error)) for metric, error in run_node(node, context).failed]
            except JetstreamArgoError as error:
                failed.append((node.id, "", str(error)))
            failed += [(node.id, "", message) for message in both.taken()]
        return failed

    def _new(self, plan: AnalysisPlan, engine: EmbeddedEngine, node: Node) -> Node | None:
        """Return the node without those of its metrics' statistics that were computed of others."""
        if not isinstance(node.task, StatisticsTask):
            return node
        fresh = []
        for name in node.task.metrics:
            asked = self._statistics(plan, engine, name, node.task.period)
            if asked not in self.estimated:
                self.estimated.add(asked)
                fresh.append(name)
        task = replace(node.task, metrics=tuple(fresh))
        return replace(node, task=task, metrics=task.metrics) if fresh else None

    def _statistics(self, plan: AnalysisPlan, engine: EmbeddedEngine, name: str, period: Period) -> str:
        """Return what is asked of a metric, and the types of its stored values."""
        metric = plan.metric(name)
        wanted = (statistic for statistic in plan.statistics if statistic.metric == name and statistic.period == period)
        tables = (names.values(plan, basis, metric.source, period) for basis in metric.bases)
        known = (info.columns for info in map(engine.info, tables) if info is not None)
        types = [column.type for columns in known for column in columns if column.name == metric.column]
        asked = [
            (statistic.name, statistic.parameters, statistic.pre_treatments, statistic.covariate is None)
            for leaf in wanted
            for statistic in leaf.statistics
        ]
        segmented = bool(plan.enrollments.segments)
        return f"{asked} {types} {metric.bases} {segmented} {period}"


def populated(config: ExperimentConfig, folder: Path, units: int) -> tuple[AnalysisPlan, EmbeddedEngine]:
    """Return a warehouse with made-up telemetry of units that enroll, and the plan with its dates.

    Some configurations have dates of their own in the SQL of their enrollments. Others take a sample, for which more
    units are needed.
    """
    plan = plan_of(config)
    starts = [START, *map(date.fromisoformat, sorted(set(re.findall(r"\d{4}-\d\d-\d\d", Sql(plan.enrollments.sql)))))]
    for number, (times, day) in enumerate(product((1, *MORE), starts)):
        plan, engine = plan_of(config, day), EmbeddedEngine(folder / str(number))
        generate(plan, engine, units=units * times, seed=1)
        if engine.query(Sql(plan.enrollments.sql), labels={}).rows:
            break
    return plan, engine


def plan_of(config: ExperimentConfig, start: date = START) -> AnalysisPlan:
    """Return the plan when everything is due."""
    end = start + timedelta(days=config.enrollment_days + OBSERVED)
    dated = replace(config, start_date=start, end_date=end)
    plan = resolve(dated, as_of=end + timedelta(days=AFTER), dataset="analysis")
    return replace(plan, periods=tuple(replace(due, windows=due.windows[:WINDOWS]) for due in plan.periods))


def _took(since: float) -> str:
    return f"{time.perf_counter() - since:.0f} s, of which {time.process_time():.0f} s of this process"


def analyse_all(configs: Iterable[ExperimentConfig], *, seconds: float) -> int:
    """Print what ZetaSQL refuses, and how many statements there are; return how many are wrong."""
    sweep, statements, experiments, wrong, since = Sweep(), 0, 0, 0, time.perf_counter()
    for config in within(configs, seconds):
        experiments += 1
        rehearsed = sweep.analysed(plan_of(config))
        statements += len(rehearsed.statements)
        wrong += len(rehearsed.wrong)
        for refused in rehearsed.wrong:
            print(config.slug, refused.node, refused.metric, refused.error, flush=True)
        if experiments % PROGRESS == 0:
            print(f"... {experiments} experiments, {_took(since)}", flush=True)
    print(f"{experiments} experiments, {statements} statements, {sweep.memory.asked} not alike; {_took(since)}")
    return wrong


def run_all(configs: Sequence[ExperimentConfig], *, units: int, seconds: float, log: Path) -> int:
    """Print a line for each experiment, and the first line of whatever is wrong, which `log` has whole.

    Return how much is wrong.
    """
    sweep, done, wrong, since, outcomes = Sweep(), 0, 0, time.perf_counter(), Counter[str]()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as whole:
        for config in within(configs, seconds):
            begun, done = time.process_time(), done + 1
            with tempfile.TemporaryDirectory() as folder:
                problems = sweep.run(config, Path(folder), units=units)
            fresh = len(sweep.compared.outcomes) - outcomes.total()
            outcomes = Counter(sweep.compared.outcomes)
            took = f"{time.process_time() - begun:.1f} s of this process"
            print(f"{done} of {len(configs)}: {config.slug}: {fresh} new statements, {took}", flush=True)
            wrong += len(problems)
            for node, metric, message in problems:
                first, _, _ = message.partition("\n")
                print(f"  {node} {metric} {first[:SHOWN]}", flush=True)
                print(f"=== {config.slug} {node} {metric} {message}", file=whole, flush=True)
    print(f"{done} experiments run; statements that are not alike: {dict(outcomes)}; {wrong} wrong; {_took(since)}")
    return wrong


def within(configs: Iterable[ExperimentConfig], seconds: float) -> Iterator[ExperimentConfig]:
    """Yield configurations until the time is up."""
    since = time.perf_counter()
    for config in configs:
        if time.perf_counter() - since > seconds:
            print("the time is up", flush=True)
            return
        yield config


def main() -> int:
    """Check the statements; return 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cover", action="store_true")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--units", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--log", type=Path, default=Path("build/statements.log"))
    options = parser.parse_args()
    configs = list(islice(configurations(), options.first, None, options.every))
    if options.cover:
        configs = list(covering({config.slug: (config, plan_of(config)) for config in configs}))
    if options.run:
        wrong = run_all(configs, units=options.units, seconds=options.seconds, log=options.log)
    else:
        wrong = analyse_all(configs, seconds=options.seconds)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
