"""How the metrics of units are read in BigQuery: a filter on the window is one on the partitions of one table."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

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


@pytest.fixture
def done(tmp_path: Path) -> Iterator[RemotePipeline]:
    """A whole analysis through BigQuery's client, with telemetry of a day more."""
    make_telemetry(tmp_path, LATER)
    with serving(FakeBigQuery(tmp_path, project=PROJECT, datasets=["results"])) as url:
        pipeline = RemotePipeline(tmp_path, small_plan(), url=url)
        assert run_as_argo_does(pipeline) == ()
        yield pipeline


def test_a_readers_view_reads_one_table_that_is_partitioned_by_its_number_of_the_window(done: RemotePipeline) -> None:
    engine = EmbeddedEngine(done.root)

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
    windows = len(done.plan.windows(Period.DAY))
    assert set(rows) == set(range(1, windows + 1))
    assert len(set(rows.values())) == 1


def test_readers_find_the_window_as_text_under_its_name(done: RemotePipeline) -> None:
    sql = f"SELECT COUNT(*), COUNTIF(window_number = 2) FROM {DAILY} WHERE window_index = '2'"

    ((rows, same),) = EmbeddedEngine(done.root).query(Sql(sql), labels={}).rows

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
        for place in entry.places
    )
