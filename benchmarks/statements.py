"""Whether every SQL statement for every real experiment is right: by ZetaSQL, and by running it on made-up rows.

Usage: python benchmarks/statements.py [--every N] [--first N] [--cover] [--run] [--units N] [--seconds N]

Reads the configurations in ../shared/metric-hub: all of them, every N-th from the `--first`, or, with `--cover`, few
that together have every metric's expression on its data source, every way to enroll and every statistic; those that
add most come first. Each is analysed as of half a year after its end, when all its periods are due; it is observed for
30 days, so that every period has a window; of the daily windows, three are enough, as statements differ only in lists.

With `--run`, each is computed on the embedded engine for `--units` made-up units (more where none of them enrolls), and
ZetaSQL's evaluator computes every statement again on the same rows; no other experiment is begun after `--seconds`.
Statements that are alike but for names, dates and numbers count, and are analysed, once; so a metric's statistics are
computed only if no metric with values of that type was asked for the same. Tables of telemetry have the columns that
the SQL of their experiment says.
"""

import argparse
import re
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice, product
from pathlib import Path
from typing import cast

from benchmarks.both_engines import BothEngines, Compared
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


def chosen(first: int, step: int) -> Iterator[ExperimentConfig]:
    """Yield the configurations from the `first` on, one in `step`."""
    return islice(configurations(), first, None, step)


def covering(configs: list[ExperimentConfig]) -> Iterator[ExperimentConfig]:
    """Yield experiments until all that any of them has was in one, each time that which adds most."""
    left = {config.slug: _parts(plan_of(config)) for config in configs}
    by_slug = {config.slug: config for config in configs}
    while True:
        slug = max(left, key=lambda slug: len(left[slug]))
        if not left[slug]:
            return
        added = left[slug]
        left = {slug: parts - added for slug, parts in left.items()}
        yield by_slug[slug]


def _parts(plan: AnalysisPlan) -> frozenset[str]:
    sources = {source.name: source.from_expression for source in plan.sources}
    metrics = (f"{sources.get(metric.source)} {metric.select_expression}" for metric in plan.metrics)
    asked = (
        f"{statistic.name} {statistic.parameters}" for wanted in plan.statistics for statistic in wanted.statistics
    )
    parts = (*metrics, *asked, plan.enrollments.kind)
    return frozenset(part.replace(plan.experiment.slug, "SLUG") for part in parts)


def _took(since: float) -> str:
    return f"{time.perf_counter() - since:.0f} s, of which {time.process_time():.0f} s of this process"


def main() -> None:
    """Print what is wrong, and how many statements there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--cover", action="store_true")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--units", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    options = parser.parse_args()
    sweep, statements, experiments, since = Sweep(), 0, 0, time.perf_counter()
    configs = list(chosen(options.first, options.every))
    for config in covering(configs) if options.cover else configs:
        if time.perf_counter() - since > options.seconds:
            print("the time is up", flush=True)
            break
        experiments += 1
        if options.run:
            with tempfile.TemporaryDirectory() as folder:
                for problem in sweep.run(config, Path(folder), units=options.units):
                    print(config.slug, *problem, flush=True)
        else:
            rehearsed = sweep.analysed(plan_of(config))
            statements += len(rehearsed.statements)
            for wrong in rehearsed.wrong:
                print(config.slug, wrong.node, wrong.metric, wrong.error, flush=True)
        if experiments % 20 == 0:
            print(f"... {experiments} experiments, {_took(since)}", flush=True)
    if options.run:
        counts = Counter(sweep.compared.outcomes)
        print(f"{experiments} experiments run; statements that are not alike: {dict(counts)}; {_took(since)}")
    else:
        print(f"{experiments} experiments, {statements} statements, {sweep.memory.asked} not alike; {_took(since)}")


if __name__ == "__main__":
    main()
