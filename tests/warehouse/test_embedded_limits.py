"""A statement on the embedded engine ends, one way or the other."""

import gc
from pathlib import Path

import duckdb
import pytest

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.errors import TooBig
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.limits import Limits, stopped_after
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.spill import SpillFolder
from jetstream_argo.warehouse.duckdb.store import Store
from jetstream_argo.warehouse.types import Layout, Write

_ENDLESS = Sql(
    "WITH RECURSIVE numbers AS (SELECT 1 AS n UNION ALL SELECT MOD(n + 1, 10) FROM numbers)\n"
    "SELECT COUNT(*) AS n FROM numbers"
)


def test_a_statement_that_never_ends_is_stopped(tmp_path) -> None:
    engine = EmbeddedEngine(tmp_path, limits=Limits(timeout_seconds=0.2))

    with pytest.raises(TooBig, match=r"longer than 0\.2 seconds .* timeout_seconds"):
        engine.query(_ENDLESS, labels={})


def test_after_a_statement_was_stopped_the_next_one_runs() -> None:
    connection = duckdb.connect(":memory:")

    with pytest.raises(TooBig), stopped_after(0.1, connection):
        connection.execute(_ENDLESS)

    assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_a_statement_that_somebody_else_interrupts_is_no_matter_of_time() -> None:
    connection = duckdb.connect(":memory:")

    with pytest.raises(duckdb.InterruptException), stopped_after(3600.0, connection):
        raise duckdb.InterruptException("by a signal")


def test_a_statement_that_takes_long_shows_no_progress_bar_of_duckdb(tmp_path: Path) -> None:
    store = Store(tmp_path, "local", clock=lambda: 0.0, nonce=lambda: "")
    session = Session(store, "local", load_registry(None), {}, SpillFolder(tmp_path, "spill"), timeout_seconds=60.0)

    assert session.run("SELECT current_setting('enable_progress_bar')", "").fetchall() == [(False,)]


def test_temporary_tables_leave_nothing_behind_and_another_may_have_the_name_of_an_earlier_one(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    spill.mkdir()
    engine = EmbeddedEngine(tmp_path / "warehouse", limits=Limits(spill=spill))
    temporary = Layout(temporary=True)

    found = []
    for sql in (Sql("SELECT 1 AS a, 2 AS b"), Sql("SELECT 'x' AS c")):
        engine.query_to_table(sql, "d.t", write=Write.TRUNCATE, labels={}, layout=temporary)
        found.append(engine.query(Sql("SELECT * FROM d.t"), labels={}).rows)
        engine.delete("d.t")

    assert found == [((1, 2),), (("x",),)]
    assert [path.suffix for path in spill.iterdir()] == [".lock"]
    del engine
    gc.collect()
    assert list(spill.iterdir()) == []


def test_a_table_that_is_read_once_is_not_written_at_all(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    engine = EmbeddedEngine(tmp_path / "warehouse", limits=Limits(spill=spill))
    layout = Layout(temporary=True, read_once=True)

    engine.query_to_table(Sql("SELECT 1 AS a"), "d.t", write=Write.TRUNCATE, labels={}, layout=layout)

    assert engine.query(Sql("SELECT a FROM d.t"), labels={}).rows == ((1,),)
    assert [path.suffix for path in spill.iterdir()] == [".lock"]


def test_what_a_killed_session_has_spilled_is_removed_and_nobody_elses(tmp_path: Path) -> None:
    spill = tmp_path / "spill"
    dead, unlocked = spill / "jetstream-argo-dead", spill / "jetstream-argo-of-an-earlier-version"
    for folder in (dead, unlocked):
        folder.mkdir(parents=True)
        (folder / "1-t.parquet").write_text("rows")
    dead.with_name(f"{dead.name}.lock").touch()
    alive, engine = (EmbeddedEngine(tmp_path / "warehouse", limits=Limits(spill=spill)) for _ in range(2))
    alive.query_to_table(Sql("SELECT 1 AS a"), "d.t", write=Write.TRUNCATE, labels={}, layout=Layout(temporary=True))

    engine.purge([])

    assert alive.query(Sql("SELECT a FROM d.t"), labels={}).rows == ((1,),)
    assert unlocked.exists()
    assert not list(spill.glob(f"{dead.name}*"))
