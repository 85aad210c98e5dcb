"""What happens when the estimates of a metric are too big for one query."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.dag.model import StatisticsTask
from jetstream_argo.dialect.types import Value
from jetstream_argo.errors import TooBig
from jetstream_argo.report.results import Filters, read_estimates
from jetstream_argo.report.status import status_report
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import read_entries
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.limits import Limits
from jetstream_argo.warehouse.types import PAGE_ROWS, Job, Layout, Result, Write
from tests.warehouse.bigquery.whole_run import AS_OF, make_telemetry, small_plan
from tests.worlds.pipeline import Pipeline, experiment, metric, planned, source, summary_of

Some = TypeVar("Some", bound=Pipeline)


class Narrow(EmbeddedEngine):
    """A warehouse that estimates no more than so many windows in a query."""

    windows = 2

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.refused = 0
        self.spans: list[tuple[int, int]] = []

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        """Run a query, unless it is about too many windows."""
        read = [(int(first), int(last)) for first, last in re.findall(r"window_index BETWEEN (\d+) AND (\d+)", sql)]
        spans = [last - first + 1 for first, last in read]
        self.spans += read
        if (sum(spans) + 1) // 2 > self.windows:  # of two bases
            self.refused += 1
            raise TooBig("resources exceeded")
        return super().query(sql, labels=labels, page_rows=page_rows)

    def query_to_table(
        self, sql: Sql, destination: str, *, write: Write, labels: Mapping[str, str], layout: Layout = Layout()
    ) -> Job:
        """Run a query and write its rows, unless no window is estimated at all."""
        if not self.windows and layout.temporary:
            self.refused += 1
            raise TooBig("resources exceeded")
        return super().query_to_table(sql, destination, write=write, labels=labels, layout=layout)


@dataclass
class NarrowPipeline(Pipeline):
    """A pipeline in such a warehouse."""

    def __post_init__(self) -> None:
        self.narrow = Narrow(self.root)

    @property
    def engine(self) -> EmbeddedEngine:
        """The warehouse."""
        return self.narrow


@dataclass
class TightPipeline(Pipeline):
    """A pipeline in processes that have little memory."""

    @property
    def engine(self) -> EmbeddedEngine:
        """The warehouse."""
        return EmbeddedEngine(self.root, limits=Limits(memory_mib=10))


@pytest.fixture
def roots(tmp_path: Path) -> tuple[Path, Path]:
    """Two warehouses in which all is done but the estimates."""
    plan = small_plan()
    make_telemetry(tmp_path / "one", plan)
    pipeline = Pipeline(tmp_path / "one", plan)
    for node in build_dag(plan).nodes:
        if not isinstance(node.task, StatisticsTask):
            pipeline.do(node)
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    return tmp_path / "one", tmp_path / "two"


def estimated(pipeline: Pipeline) -> list[tuple[Value, ...]]:
    """The estimates of days, without what differs from attempt to attempt."""
    result = read_estimates(pipeline.engine, pipeline.plan, Filters(periods=(Period.DAY,)))
    kept = [n for n, column in enumerate(result.columns) if column.name not in {"batch", "computed_at", "position"}]
    return sorted((tuple(row[n] for n in kept) for row in result.rows), key=repr)


def later(pipeline: Some) -> Some:
    """The same pipeline with a clock after every entry there is."""
    for _ in range(1000):
        pipeline.now()
        next(pipeline.attempts)
    return pipeline


def test_windows_that_are_too_many_for_a_query_are_estimated_in_halves_with_the_same_results(
    roots: tuple[Path, Path],
) -> None:
    whole, narrow = later(Pipeline(roots[0], small_plan())), later(NarrowPipeline(roots[1], small_plan()))
    (node,) = (node for node in build_dag(whole.plan).nodes if node.id == "stats-day-visits")
    windows = len(whole.plan.windows(Period.DAY))

    expected = whole.do(node)
    done = narrow.do(node)

    assert windows > 4
    assert expected.line == f"estimated {windows} windows by 1 query"
    assert done == replace(expected, line=f"estimated {windows} windows by 5 queries")
    assert estimated(narrow) == estimated(whole)
    report = status_report(narrow.plan, read_entries(narrow.engine, narrow.plan))
    assert [entry for entry in report.failures if "visits" in entry.metrics and entry.period == "day"] == []


def test_little_memory_changes_no_estimate(roots: tuple[Path, Path]) -> None:
    ample, tight = later(Pipeline(roots[0], small_plan())), later(TightPipeline(roots[1], small_plan()))
    (node,) = (node for node in build_dag(ample.plan).nodes if node.id == "stats-day-visits")

    assert tight.do(node) == ample.do(node)
    assert estimated(Pipeline(tight.root, tight.plan)) == estimated(ample)


def test_the_next_run_begins_with_as_many_windows_as_worked(roots: tuple[Path, Path]) -> None:
    pipeline = later(NarrowPipeline(roots[1], small_plan()))
    (node,) = (node for node in build_dag(pipeline.plan).nodes if node.id == "stats-week-searched")
    pipeline.narrow.windows = 0
    assert pipeline.do(node).exit_code == 75
    refused = pipeline.narrow.refused
    pipeline.narrow.windows = 1

    assert pipeline.do(node).exit_code == 0
    assert refused > 2
    assert pipeline.narrow.refused == refused


def test_one_window_that_is_too_big_however_it_is_cut_fails_the_node_as_worth_a_retry(roots: tuple[Path, Path]) -> None:
    pipeline = later(NarrowPipeline(roots[1], small_plan()))
    (node,) = (node for node in build_dag(pipeline.plan).nodes if node.id == "stats-day-visits")
    pipeline.narrow.windows = 0

    done = pipeline.do(node)

    assert done.exit_code == 75
    assert [(metric, type(error)) for metric, error in done.failed] == [("visits", TooBig)]


def test_of_values_only_the_windows_that_lack_estimates_are_read(tmp_path: Path) -> None:
    config = experiment(
        [metric("visits", "SUM(visits)")], [source("activity")], {Period.DAY: [summary_of("visits", "sum")]}
    )
    before, after = (planned(config, as_of=AS_OF + timedelta(days=days)) for days in (0, 1))
    make_telemetry(tmp_path, after)
    pipeline = NarrowPipeline(tmp_path, before)
    pipeline.narrow.windows = 100
    pipeline.run()
    pipeline.narrow.spans.clear()

    pipeline.plan = after
    pipeline.run()

    newest = len(after.windows(Period.DAY))
    assert newest == len(before.windows(Period.DAY)) + 1
    assert set(pipeline.narrow.spans) == {(newest, newest)}
