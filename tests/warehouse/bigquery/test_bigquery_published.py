"""How the metrics of units are read in BigQuery: a filter on the window is one on the partitions of one table."""

import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from benchmarks.billing import BilledEngine
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.dag.build import build_dag
from jetstream_argo.run.published import ROWS
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Kind, read_entries
from jetstream_argo.upkeep.gone import loaded
from jetstream_argo.upkeep.owned import owned
from jetstream_argo.upkeep.shredding import holdings, shred
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.warehouse.bigquery.fake_server.server import FakeBigQuery, serving
from tests.warehouse.bigquery.whole_run import (
    AS_OF,
    PROJECT,
    RemotePipeline,
    make_telemetry,
    run_as_argo_does,
    small_plan,
)

LATER = small_plan(as_of=AS_OF + timedelta(days=1))
DAILY = names.values_view(small_plan(), Basis.ENROLLMENTS, Period.DAY)
TABLE = names.published(small_plan(), Basis.ENROLLMENTS, Period.DAY)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RemotePipeline:
    """A whole analysis through BigQuery's client, with telemetry of a day more; for reading alone."""
    root = tmp_path_factory.mktemp("published")
    make_telemetry(root, LATER)
    with serving(FakeBigQuery(root, project=PROJECT, datasets=["results"])) as url:
        pipeline = RemotePipeline(root, small_plan(), url=url)
        assert run_as_argo_does(pipeline) == ()
    return pipeline


@pytest.fixture
def done(finished: RemotePipeline, tmp_path: Path) -> Iterator[RemotePipeline]:
    """The same, to go on with."""
    shutil.copytree(finished.root, tmp_path, dirs_exist_ok=True)
    with serving(FakeBigQuery(tmp_path, project=PROJECT)) as url:
        yield replace(finished, root=tmp_path, url=url)


def test_a_readers_view_reads_one_table_that_is_partitioned_by_its_number_of_the_window(
    finished: RemotePipeline,
) -> None:
    engine = EmbeddedEngine(finished.root)

    view = engine.info(DAILY)

    assert view is not None
    assert view.view_sql is not None
    tree = sqlglot.parse_one(view.view_sql, dialect="bigquery")
    assert isinstance(tree, exp.Select)
    assert [f"{table.db}.{table.name}" for table in tree.find_all(exp.Table)] == [TABLE]
    assert tree.find(exp.Join) is None
    assert [select.sql() for select in tree.selects if select.alias == "window_number"] == [
        "p.window_index AS window_number"
    ]
    rows = Counter(row[0] for row in engine.query(Sql(f"SELECT window_number FROM {DAILY}"), labels={}).rows)
    windows = len(finished.plan.windows(Period.DAY))
    assert set(rows) == set(range(1, windows + 1))
    assert len(set(rows.values())) == 1


def test_a_filter_on_the_number_of_the_window_is_billed_for_that_partition_alone(finished: RemotePipeline) -> None:
    """BigQuery bills the columns that are named, of the partitions that a filter leaves; `BilledEngine` does so."""
    windows = len(finished.plan.windows(Period.DAY))
    with serving(FakeBigQuery(finished.root, project=PROJECT, engine_type=BilledEngine)) as url:
        engine = replace(finished, url=url).engine
        everything, by_number, by_text, two, all_columns = (
            engine.dry_run(Sql(f"SELECT {columns} FROM {DAILY} WHERE {condition}")).bytes
            for columns, condition in (
                ("visits", "TRUE"),
                ("visits", "window_number = 2"),
                ("visits", "window_index = '2'"),
                ("visits", "window_number BETWEEN 2 AND 3"),
                ("*", "window_number = 2"),
            )
        )

    assert windows > 2
    assert by_number * windows == everything
    assert two == 2 * by_number
    assert by_text == everything
    assert all_columns > by_number


def test_readers_find_the_window_as_text_under_its_name(finished: RemotePipeline) -> None:
    sql = f"SELECT COUNT(*), COUNTIF(window_number = 2) FROM {DAILY} WHERE window_index = '2'"

    ((rows, same),) = EmbeddedEngine(finished.root).query(Sql(sql), labels={}).rows

    assert rows == same
    assert rows


def test_what_did_not_change_is_not_written_again_and_a_new_window_is_added(done: RemotePipeline) -> None:
    before = written(done)
    done.do(build_dag(done.plan).last)
    assert written(done) == before

    done.plan = LATER
    assert run_as_argo_does(done) == ()

    newest = len(LATER.windows(Period.DAY))
    assert {key for key in written(done) - before if key[0] == TABLE} == {(TABLE, newest)}


def test_units_that_are_removed_are_removed_from_what_readers_see(done: RemotePipeline) -> None:
    engine = EmbeddedEngine(done.root)
    ((unit,), *_) = engine.query(Sql(f"SELECT analysis_id FROM {DAILY} ORDER BY analysis_id"), labels={}).rows
    entries = read_entries(engine, done.plan)

    with loaded(engine, done.plan, [str(unit)], attempt="a") as gone:
        found = holdings(engine, done.plan, entries, gone)
        removed = [removal.table.name for removal in shred(engine, done.plan, found, gone, now=done.now, attempt="a")]

    assert TABLE in removed
    assert engine.query(Sql(f"SELECT COUNT(*) FROM {DAILY} WHERE analysis_id = '{unit}'"), labels={}).rows == ((0,),)
    assert TABLE in {info.name for info in owned(engine, done.plan, entries).tables}


def written(pipeline: RemotePipeline) -> Counter[tuple[str, int]]:
    """How often each window of each published table was written."""
    entries = read_entries(EmbeddedEngine(pipeline.root), pipeline.plan)
    return Counter(
        (entry.table, place)
        for entry in entries
        if entry.kind is Kind.VALUES and entry.keys == (ROWS,)
        for place in entry.extent
    )
