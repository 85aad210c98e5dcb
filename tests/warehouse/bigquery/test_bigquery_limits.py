"""Whether a whole analysis keeps BigQuery's limits by the way it writes, and not by luck.

Limits: https://cloud.google.com/bigquery/quotas
"""

import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.plan.windows import AnalysisWindow
from jetstream_argo.report.views import StoredMetrics, unit_values
from jetstream_argo.run.context import Context
from jetstream_argo.sql import names
from jetstream_argo.sql.slices import WindowSlice
from tests.warehouse.bigquery.fake_server.faults import Call
from tests.warehouse.bigquery.fake_server.jobs import FakeJob
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import PROJECT, RemotePipeline, make_telemetry, run_as_argo_does, small_plan
from tests.worlds import report as small

SHARED = ("status_", "estimates_")  # tables to which many nodes write at once
VIEW_CHARACTERS = 256 * 1024


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> FakeBigQuery:
    """The fake after an undisturbed run."""
    root = tmp_path_factory.mktemp("limits")
    make_telemetry(root, small_plan())
    fake = FakeBigQuery(root, project=PROJECT, datasets=["results"])
    with serving(fake) as url:
        assert run_as_argo_does(RemotePipeline(root, small_plan(), url=url)) == ()
    return fake


def written(job: FakeJob) -> str | None:
    """The table that a job writes to."""
    (config,) = (job.configuration[kind] for kind in ("query", "load") if kind in job.configuration)
    destination = config.get("destinationTable")
    return str(destination["tableId"]) if isinstance(destination, dict) else None


def test_every_table_is_written_to_by_one_node_but_for_those_that_take_many(done: FakeBigQuery) -> None:
    writers: defaultdict[str, set[str]] = defaultdict(set)
    for job in done.jobs.all:
        labels = job.configuration["labels"]
        if table := written(job):
            writers[table].add(str(labels["node"]))

    alone = {table: nodes for table, nodes in writers.items() if not table.startswith(SHARED)}
    assert len(alone) >= 6
    assert {table: nodes for table, nodes in alone.items() if len(nodes) > 1} == {}


def test_tables_that_many_nodes_write_to_are_partitioned_so_that_50_may_write_in_10_seconds(
    done: FakeBigQuery,
) -> None:
    shared = {table for job in done.jobs.all if (table := written(job)) and table.startswith(SHARED)}

    assert len(shared) == 2
    for table in shared:
        assert done.catalog.resource(f"{PROJECT}.results.{table}")["timePartitioning"]


def test_no_write_was_refused_for_coming_too_soon(done: FakeBigQuery) -> None:
    assert done.jobs.writes.refused == 0


def test_no_statement_changes_rows(done: FakeBigQuery) -> None:
    asked = [str(job.configuration["query"]["query"]) for job in done.jobs.all if job.is_query]

    verbs = Counter(re.sub(r"--.*\n", "", sql).split(maxsplit=1)[0] for sql in asked)
    assert set(verbs) <= {"SELECT", "WITH"}


def test_a_table_is_described_once(done: FakeBigQuery) -> None:
    tables = {table for job in done.jobs.all if (table := written(job)) and not table.startswith("scratch_")}

    assert done.calls.count(Call.TABLE_PATCH) == len(tables)


def test_a_task_writes_a_table_once_for_each_thing_that_is_done(done: FakeBigQuery) -> None:
    writes = Counter(table for job in done.jobs.all if (table := written(job)))
    plan = small_plan()
    nodes = len(build_dag(plan).nodes)

    for table, count in writes.items():
        # Two bases and periods of a source at most; a record for each of those, and for each metric's estimates.
        assert count <= (4 * nodes if table.startswith(SHARED) else 2), table


def test_a_view_of_a_years_daily_values_of_many_sources_is_not_too_long(tmp_path: Path) -> None:
    windows = tuple(AnalysisWindow(index, index - 1, index - 1) for index in range(1, 366))
    metrics = [small.metric(f"metric_{number}", f"source_{number}") for number in range(25)]
    context = Context.__new__(Context)  # only names batches
    object.__setattr__(context, "node", "day-some-source")
    object.__setattr__(context, "attempt", "0123abcd")
    stored = []
    for metric in metrics:
        batches = tuple(context.batch(Basis.EXPOSURES, Period.DAY, window.index, metric.column) for window in windows)
        table = names.values(small.plan(), Basis.EXPOSURES, metric.source, Period.DAY)
        stored.append(StoredMetrics(table, (WindowSlice(batches, 1, 365, (metric.column,)),), (metric,)))

    sql = unit_values(small.plan(metrics, windows=windows), Basis.EXPOSURES, Period.WEEK, metrics, stored)

    assert len(sql) < VIEW_CHARACTERS
