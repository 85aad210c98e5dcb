"""What an analysis costs in BigQuery at 10 and 50 million units, from its own statements.

Usage: python -m benchmarks.bigquery_figures [--units N] [--dense] [SLUG …]

Computes real configurations of ../shared/metric-hub on made-up rows of few units, with everything due at once, and
walks the syntax tree of every statement:

- reads: how often the statements for a leaf's metric together, or one statement of another node, read the same table.
  A relation of a WITH that is named twice is computed twice.
- sort: the most rows that an analytic function's partition, an aggregate's group or an ordered answer has, measured on
  the made-up rows. What grows with the units is scaled by their number; what does not is as it is (the order of
  buckets, lists of at most 1,000 values). A row of a sort has about 42 bytes.
- rows: what is written, scaled alike, and daily values as for so many units (`--dense`: with a row for each of them);
  a leaf's own tables, which are deleted when it ends, beside what stays.
- bytes: what all statements read of the analysis's own tables, a leaf's own too, as BigQuery bills it (the columns that
  are named, of the partitions that a constant filter leaves, each once a statement), and what all tables that stay
  hold. Sizes are those of https://cloud.google.com/bigquery/docs/estimate-costs#query_size_calculation, an id's 38.
"""

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import sqlglot
from sqlglot import exp

from benchmarks.billing import BilledEngine, width
from benchmarks.emit import START, configurations
from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import Node, StatisticsTask, Task
from jetstream_argo.plan import codec
from jetstream_argo.plan.build import resolve
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.nodes import run_node
from jetstream_argo.run.sparse import BILLED, Sparsity
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.ledger import Ledger
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.warehouse.bigquery.fake_server.sorts import sorts

SLUGS = ("1-click-pin-experiment", "whats-new-notification-tab-groups", "all-users-day-5-reengagement-push")
MILLIONS = (10, 50)
SORTED_BYTES = 42
TEMPORARY = "_scratch."  # the dataset of tables that are temporary in the embedded engine
OBSERVED, AFTER = timedelta(days=28), timedelta(days=180)


@dataclass
class Recording(BilledEngine):
    """A warehouse that keeps every statement of a node, and how large it was.

    `sorted` has the largest sort that grows with the units, and the largest one that does not.
    """

    statements: list[Sql] = field(default_factory=list)
    written: Counter[str] = field(default_factory=Counter)
    sorted: Counter[bool] = field(default_factory=Counter)
    bytes_read: int = 0
    bytes_kept: int = 0

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._own: set[str] = set()
        self.forget()

    def forget(self) -> None:
        """Begin with the next node."""
        self.statements, self.written, self.sorted = [], Counter(), Counter()
        self.bytes_read = self.bytes_kept = 0

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query."""
        self._look(sql)
        return super().query(sql, labels=labels, page_rows=page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows."""
        self._look(sql)
        row = sum(map(width, super().dry_run(sql).columns))
        job = super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)
        self._own.add(destination)
        self.written["in between" if layout.temporary else "kept"] += job.rows
        self.bytes_kept += 0 if layout.temporary else job.rows * row
        return job

    def reads(self, *, together: bool) -> Counter[str]:
        """Return how often each table is read by the statements together, or by the one that reads it most."""
        found: Counter[str] = Counter()
        for sql in self.statements:
            stored = {name: times for name, times in reads(sql).items() if not name.startswith(("scratch", "status"))}
            found = found + Counter(stored) if together else found | Counter(stored)
        return found

    def _look(self, sql: Sql) -> None:
        self.statements.append(sql)
        billed = self.billed_by_table(sql).items()
        self.bytes_read += sum(size for name, size in billed if name in self._own or name.startswith(TEMPORARY))
        for sort in sorts(sql):
            grows = any(not column.startswith("bucket") for column in sort.by)
            size = int(str(super().query(sort.question, labels={}).rows[0][0]))
            self.sorted[grows] = max(self.sorted[grows], size)


def reads(sql: Sql) -> Counter[str]:
    """Return how often a statement reads each table, a relation that is named twice counting twice."""
    return _reads(sqlglot.parse_one(sql, dialect="bigquery"), {})


def _reads(query: exp.Expr, relations: Mapping[str, Counter[str]]) -> Counter[str]:
    known = dict(relations)
    clause = query.args.get("with_")
    for relation in clause.expressions if clause is not None else ():
        known[relation.alias] = _reads(relation.this, known)
    found: Counter[str] = Counter()
    inside = [part for part in query.find_all(exp.Table) if clause is None or not _is_in(part, clause)]
    for table in inside:
        found.update(known.get(table.name, Counter()) if not table.db else {table.name: 1})
    return found


def _is_in(part: exp.Expr, whole: exp.Expr) -> bool:
    return any(table is part for table in whole.find_all(exp.Table))


@dataclass
class Figures:
    """What was found of one configuration, over its nodes of a kind."""

    most_reads: int = 0
    table: str = ""
    in_between: int = 0
    kept: int = 0
    largest_in_between: int = 0
    sort: int = 0
    list: int = 0
    bytes_read: int = 0
    bytes_kept: int = 0

    def add(self, node: Recording, task: Task) -> None:
        """Count a node; of one that does one thing after the other, a statement's reads count, and not all of them."""
        metrics = len(task.metrics) if isinstance(task, StatisticsTask) else 0
        for name, times in node.reads(together=metrics > 0).most_common(1):
            times = -(-times // max(metrics, 1))
            if times > self.most_reads:
                self.most_reads, self.table = times, name.rpartition("_")[0]
        self.kept += node.written["kept"]
        self.in_between += node.written["in between"]
        self.largest_in_between = max(self.largest_in_between, node.written["in between"])
        self.sort, self.list = max(self.sort, node.sorted[True]), max(self.list, node.sorted[False])
        self.bytes_read += node.bytes_read
        self.bytes_kept += node.bytes_kept


def figures(config: ExperimentConfig, folder: Path, units: int, sparsity: Sparsity) -> tuple[int, dict[str, Figures]]:
    """Compute a configuration; return how many units enrolled, and the figures of sources and of leaves."""
    plan = plan_of(config)
    generate(plan, EmbeddedEngine(folder), units=units, seed=1)
    engine, ledger, seconds = Recording(folder), Ledger(), count()
    found: defaultdict[str, Figures] = defaultdict(Figures)

    def now() -> datetime:
        return datetime(2027, 1, 1, tzinfo=UTC) + timedelta(seconds=next(seconds))

    for node in build_dag(plan).nodes:
        engine.forget()
        context = Context(
            plan, codec.sha256(plan), node.id, engine, f"a{next(seconds)}", now, ledger=ledger, sparsity=sparsity
        )
        run_node(node, context)
        found[_kind(node)].add(engine, node.task)
    rows = engine.query(Sql(f"SELECT COUNT(DISTINCT analysis_id) FROM `{names.enrollments(plan)}`"), labels={}).rows
    return int(str(rows[0][0])), dict(found)


def plan_of(config: ExperimentConfig) -> AnalysisPlan:
    """Return the plan when everything is due."""
    end = START + timedelta(days=config.enrollment_days) + OBSERVED
    return resolve(replace(config, start_date=START, end_date=end), as_of=end + AFTER, dataset="analysis")


def _kind(node: Node) -> str:
    return "leaf" if isinstance(node.task, StatisticsTask) else "source or enrollments"


def lines(config: ExperimentConfig, units: int, sparsity: Sparsity) -> Iterator[str]:
    """Yield the lines of a table about a configuration."""
    with tempfile.TemporaryDirectory() as folder:
        enrolled, found = figures(config, Path(folder), units, sparsity)
    for kind, known in sorted(found.items()):
        for million in MILLIONS:
            times = million * 1e6 / enrolled
            rows = max(known.sort * times, known.list)
            yield (
                f"| {config.slug} | {million} million | {kind} | {known.most_reads} ({known.table}) "
                f"| {rows:,.0f} ({rows * SORTED_BYTES / 1e6:,.0f} MB) | {known.kept * times / 1e6:,.0f} million "
                f"| {known.largest_in_between * times / 1e6:,.0f} million "
                f"| {known.bytes_read * times / 1e12:,.2f} TB | {known.bytes_kept * times / 1e12:,.2f} TB |"
            )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=int, default=300)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("slugs", nargs="*", default=SLUGS)
    options = parser.parse_args()
    sparsity = replace(BILLED, below=0.0 if options.dense else BILLED.below, least_saved=0)
    print(
        "| experiment | units | node | most reads of a base table | largest sort | rows kept | of a leaf in between "
        "| read of own tables | kept |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for config in configurations():
        if config.slug in options.slugs:
            for line in lines(config, options.units, sparsity):
                print(line, flush=True)


if __name__ == "__main__":
    main()
