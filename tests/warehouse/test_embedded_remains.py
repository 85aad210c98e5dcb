"""Which files stay in the embedded engine's folder: those of writers at work, and none that a dead writer left."""

import gc
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write

COLUMNS = [Column("day", "DATE"), Column("id", "STRING"), Column("batch", "INT64")]
LAYOUT = Layout("day", ("id",))

SLOW = """
import sys
from pathlib import Path
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Layout, Write
from jetstream_argo.sql.text import Sql
engine = EmbeddedEngine(Path(sys.argv[1]))
rows = "SELECT DATE '2026-05-01' AS day, 'u' AS id, 1 AS batch FROM UNNEST(GENERATE_ARRAY(1, 4000)) AS a, "
rows += "UNNEST(GENERATE_ARRAY(1, 4000)) AS b"
layout = Layout("day", ("id",)) if sys.argv[2] == "partitioned" else Layout()
print("ready", flush=True)
engine.query_to_table(Sql(rows), "d.t", write=Write.APPEND, labels={}, layout=layout)
"""

HOLDING = """
import sys, time
from pathlib import Path
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
with EmbeddedEngine(Path(sys.argv[1])).lease("d.e", exclusive=sys.argv[2] == "alone", holder=sys.argv[3]):
    print("ready", flush=True)
    time.sleep(600)
"""


@contextmanager
def running(program: str, *arguments: object) -> Iterator["subprocess.Popen[str]"]:
    """Run a program until it says that it is ready, and kill it at the end, if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        kill(process)


def kill(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=300)


def load(engine: EmbeddedEngine, ids: list[str], *, write: Write = Write.APPEND, table: str = "d.t") -> None:
    rows: list[dict[str, Value]] = [{"day": "2026-05-01", "id": id_, "batch": 1} for id_ in ids]
    engine.load(table, rows, COLUMNS, write=write, labels={}, layout=LAYOUT)


def ids(engine: EmbeddedEngine) -> list[Value]:
    return [row[0] for row in engine.query(Sql("SELECT id FROM d.t ORDER BY id"), labels={}).rows]


def contents(root: Path, table: str = "t") -> set[str]:
    """Return what is in a table's folder but for its pointer and its lock."""
    folder = root / "local" / "d" / table
    return {path.name for path in folder.iterdir()} - {"current.json", ".lock"} if folder.is_dir() else set()


def holding(root: Path, id_: str) -> list[Path]:
    """Return the files in which DuckDB finds a unit."""
    return [
        path
        for path in root.rglob("*.parquet")
        if duckdb.sql(f"SELECT 1 FROM read_parquet('{path}') WHERE id = '{id_}'").fetchall()
    ]


def wait_for_a_file(root: Path, before: set[str]) -> None:
    for _ in range(15_000):
        if contents(root) - before:
            return
        time.sleep(0.02)
    raise AssertionError("no file came")


@pytest.mark.parametrize("kind", ["plain", "partitioned"])
@pytest.mark.parametrize("cleaner", ["write", "purge"])
def test_what_a_killed_writer_left_goes_with_the_next_write_and_with_a_purge(
    tmp_path: Path, kind: str, cleaner: str
) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, ["a"])
    with running(SLOW, tmp_path, kind) as process:
        before = contents(tmp_path)
        wait_for_a_file(tmp_path, before)
        kill(process)
        left = contents(tmp_path) - before

    if cleaner == "write":
        load(engine, ["b"])
    else:
        assert engine.purge(["d.t"]).files >= 1

    assert left
    assert contents(tmp_path).isdisjoint(left)
    assert len(contents(tmp_path)) == len(ids(engine))


def test_files_of_a_writer_at_work_stay_whoever_writes_purges_or_deletes(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, ["a"])
    with running(SLOW, tmp_path, "plain"):
        before = contents(tmp_path)
        wait_for_a_file(tmp_path, before)
        coming = contents(tmp_path) - before

        load(engine, ["b"])
        engine.purge(["d.t"])
        engine.delete("d.t")

        assert coming <= contents(tmp_path)
        assert engine.info("d.t") is None


def test_a_draft_of_a_pointer_that_a_killed_writer_left_goes_too(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, ["a"])
    draft = tmp_path / "local" / "d" / "t" / ".0123456789abcdef.0123.json"
    draft.write_text("{")

    load(engine, ["b"])

    assert not draft.exists()


def test_a_write_that_fails_leaves_no_file(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, ["a"])
    before = contents(tmp_path)

    for layout in (Layout(), LAYOUT):
        with pytest.raises(InvalidQuery):
            engine.query_to_table(
                Sql("SELECT day, id, CAST(id AS INT64) AS batch FROM d.t"), "d.t", write=Write.APPEND, labels={},
                layout=layout,
            )  # fmt: skip
    with pytest.raises(Conflict):
        load(engine, ["b"], write=Write.EMPTY)

    assert contents(tmp_path) == before


def test_no_file_holds_rows_that_were_replaced_once_the_table_is_purged(tmp_path: Path) -> None:
    writer, engine = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    load(writer, ["keep", "shredded"])
    load(writer, ["shredded"])
    info = engine.info("d.t")

    engine.query_to_table(Sql("SELECT * FROM d.t WHERE id != 'shredded'"), "d.t", write=Write.TRUNCATE, labels={})
    rewritten = engine.info("d.t")
    purged = engine.purge(["d.t"])

    assert purged.files == 2
    assert purged.recoverable_until is None
    assert holding(tmp_path, "shredded") == []
    assert ids(engine) == ids(writer) == ["keep"]
    assert info is not None
    assert rewritten is not None
    assert engine.info("d.t") == rewritten
    assert rewritten.created == info.created


def test_nothing_is_left_of_a_deleted_table(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(EmbeddedEngine(tmp_path), ["deleted"])
    load(engine, ["deleted", "again"])

    engine.delete("d.t")
    engine.purge(["d.t"])

    assert holding(tmp_path, "deleted") == []
    assert not (tmp_path / "local" / "d" / "t").exists()
    load(engine, ["new"])
    assert ids(engine) == ["new"]


def test_a_purge_clears_the_folder_of_a_table_that_an_earlier_version_deleted(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, ["deleted"])
    folder = tmp_path / "local" / "d" / "t"
    (file,) = folder.glob("*.parquet")
    file.rename(folder / "0123456789abcdef0123456789abcdef-00000.parquet")
    (folder / "current.json").unlink()

    engine.purge(["d.t"])

    assert not folder.exists()


def test_a_reader_whose_files_are_removed_meanwhile_reads_the_rows_that_there_are(tmp_path: Path) -> None:
    reader, writer = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    load(writer, ["a", "b"])
    load(writer, ["c"], table="d.u")
    reader.create_view("d.v", Sql("SELECT id FROM d.t UNION ALL SELECT id FROM d.u"), labels={})
    sql = Sql("SELECT COUNT(*) FROM d.v")
    before = reader.query(sql, labels={}).rows

    class Racing(EmbeddedEngine):
        """Its store is rewritten and purged after a statement was prepared, and before it runs."""

    racing = Racing(tmp_path)
    session = racing._session  # the moment between the two is nobody's to see from outside
    prepare = session.prepare
    rewrites = iter([["x"], ["y", "z"]])

    def prepared(text: str) -> object:
        translated = prepare(text)
        rows = next(rewrites, None)
        if rows is not None:
            load(writer, rows, write=Write.TRUNCATE)
            writer.purge(["d.t"])
        return translated

    session.prepare = prepared  # type: ignore[method-assign, assignment]
    after = racing.query(sql, labels={}).rows

    assert (before, after) == (((3,),), ((3,),))
    assert racing.query_to_table(sql, "d.out", write=Write.TRUNCATE, labels={}).rows == 1


def test_a_lease_ends_with_the_process_that_held_it(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    with running(HOLDING, tmp_path, "alone", "shred 1") as process:
        with (
            pytest.raises(Conflict, match=r"d\.e is held by shred 1;"),
            engine.lease("d.e", exclusive=False, holder="task"),
        ):
            pass
        kill(process)
        with engine.lease("d.e", exclusive=True, holder="delete"):
            pass

    with (
        running(HOLDING, tmp_path, "shared", "task 1"),
        running(HOLDING, tmp_path, "shared", "task 2"),
        engine.lease("d.e", exclusive=False, holder="task 3"),
        pytest.raises(Conflict, match="task 1, task 2, task 3"),
        engine.lease("d.e", exclusive=True, holder="delete"),
    ):
        pass


def test_a_lease_is_waited_for(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    with running(HOLDING, tmp_path, "alone", "shred") as process:
        os.kill(process.pid, signal.SIGTERM)
        with engine.lease("d.e", exclusive=True, holder="delete", wait_seconds=300):
            pass


def test_writers_that_ended_leave_no_lock(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    with running(SLOW, tmp_path, "plain") as process:
        wait_for_a_file(tmp_path, set())
        kill(process)
    load(engine, ["a"])

    engine.purge(["d.t"])

    assert len(list((tmp_path / ".writers").iterdir())) == 1
    del engine
    gc.collect()
    assert list((tmp_path / ".writers").iterdir()) == []
