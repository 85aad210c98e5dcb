"""What the embedded engine says when its files are not what was written: which file it is, and what mends it."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import EXIT_DEFINITION, Damaged, InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write

COLUMNS = [Column("day", "DATE"), Column("x", "INT64"), Column("s", "STRING")]
SQL = Sql("SELECT SUM(x) AS x, MAX(s) AS s FROM d.t")


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    """An engine that has not read yet what another wrote: a table of two dates."""
    made = EmbeddedEngine(tmp_path)
    rows: list[dict[str, Value]] = [{"day": f"2026-05-0{1 + x % 2}", "x": x, "s": f"text {x}"} for x in range(1000)]
    made.load("d.t", rows, COLUMNS, write=Write.EMPTY, labels={}, layout=Layout("day"))
    made.create_view("d.v", Sql("SELECT x FROM d.t"), labels={})
    return EmbeddedEngine(tmp_path)


def folder(root: Path) -> Path:
    return root / "local" / "d" / "t"


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place % len(data)] ^= 1
    path.write_bytes(data)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DATA_FILE: list[Callable[[Path], None]] = [
    Path.unlink,
    truncate,
    emptied,
    as_folder,
    lambda path: flip(path, 0),
    lambda path: flip(path, -1),
    *(lambda path, place=place: flip(path, place) for place in (5, 40, 99, 200, -20, -300)),
]


def mended_by(caught: "pytest.ExceptionInfo[Damaged]", file: Path) -> None:
    error = caught.value
    assert (error.file, error.cure) == (str(file), "jetstream-argo check EXPERIMENT --repair")
    assert str(file) in str(error)
    assert error.cure in str(error)
    assert error.exit_code == EXIT_DEFINITION


@pytest.mark.parametrize("harm", DATA_FILE)
def test_a_damaged_data_file_is_named_by_whatever_reads_it(
    engine: EmbeddedEngine, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = sorted(folder(tmp_path).glob("*.parquet"))[1]
    harm(file)

    for ask in (
        lambda: engine.query(SQL, labels={}),
        lambda: engine.query(Sql("SELECT SUM(x) AS x FROM d.v"), labels={}),
        lambda: engine.query_to_table(SQL, "d.out", write=Write.TRUNCATE, labels={}),
    ):
        with pytest.raises(Damaged) as caught:
            ask()
        mended_by(caught, file)
    assert [error.file for error in engine.verify("d.t")] == [str(file)]
    assert engine.info("d.out") is None


@pytest.mark.parametrize("harm", DATA_FILE[:4])
def test_a_file_that_was_damaged_after_it_was_read_is_named_too(
    engine: EmbeddedEngine, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    file = sorted(folder(tmp_path).glob("*.parquet"))[1]
    engine.query(SQL, labels={})
    harm(file)

    for _ in range(2):
        with pytest.raises(Damaged) as caught:
            engine.query(SQL, labels={})
        mended_by(caught, file)


def test_a_byte_that_turned_after_the_file_was_read_is_found_by_the_next_query(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    assert engine.query(SQL, labels={}).rows
    path = next(folder(tmp_path).glob("*.parquet"))
    written = path.stat()
    flip(path, 40)
    os.utime(path, ns=(written.st_atime_ns, written.st_mtime_ns + 1))  # a clock is coarse, and a test is fast

    with pytest.raises(Damaged, match=re.escape(path.name)):
        engine.query(SQL, labels={})


def test_damage_elsewhere_disturbs_nobody(engine: EmbeddedEngine, tmp_path: Path) -> None:
    files = json.loads((folder(tmp_path) / "current.json").read_text())["table"]["files"]
    (folder(tmp_path) / files[0][0]).unlink()

    found = engine.query(Sql(f"SELECT COUNT(*) FROM d.t WHERE day = '{files[1][4]}'"), labels={})

    assert found.rows == ((500,),)
    assert [listed.name for listed in engine.tables("d")] == ["d.t", "d.v"]


POINTER: list[Callable[[Path], None]] = [
    truncate,
    emptied,
    as_folder,
    lambda path: path.write_text("not JSON"),
    lambda path: path.write_text("[]"),
    lambda path: path.write_text("{}"),
    lambda path: path.write_text("[" * 100_000),
    lambda path: path.write_bytes(b"\xff\xfe"),
    lambda path: path.write_text('{"format": 1}'),
    lambda path: path.write_text('{"format": "x"}'),
    lambda path: path.write_text(path.read_text().replace("2026-05-01", "2026-05-03")),
    *(lambda path, place=place: flip(path, place) for place in (0, 5, 30, 50, 77, 200, -1)),
]


@pytest.mark.parametrize("harm", POINTER)
def test_a_damaged_pointer_is_named_by_whatever_reads_the_table(
    engine: EmbeddedEngine, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    pointer = folder(tmp_path) / "current.json"
    harm(pointer)

    for ask in (
        lambda: engine.query(SQL, labels={}),
        lambda: engine.info("d.t"),
        lambda: engine.infos(["d.t"]),
        lambda: engine.load("d.t", [], COLUMNS, write=Write.APPEND, labels={}),
        lambda: engine.set_labels("d.t", {}),
        lambda: engine.base_tables(Sql("SELECT x FROM d.v")),
        lambda: engine.purge(["d.t"]),
    ):
        with pytest.raises(Damaged) as caught:
            ask()
        mended_by(caught, pointer)
    assert [error.file for error in engine.verify("d.t")] == [str(pointer)]
    assert [listed.name for listed in engine.tables("d")] == ["d.t", "d.v"]


@pytest.mark.parametrize("harm", [*DATA_FILE[:4], *POINTER[:4]])
def test_a_damaged_table_can_be_deleted_and_made_anew(
    engine: EmbeddedEngine, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(folder(tmp_path) / "current.json" if harm in POINTER[2:] else next(folder(tmp_path).glob("*.parquet")))

    engine.delete("d.t")
    engine.purge(["d.t"])

    assert engine.info("d.t") is None
    assert not folder(tmp_path).exists()
    engine.load("d.t", [{"x": 1}], COLUMNS, write=Write.EMPTY, labels={})
    assert engine.query(SQL, labels={}).rows == ((1, None),)
    assert engine.verify("d.t") == ()


def test_what_is_whole_is_not_damaged(engine: EmbeddedEngine) -> None:
    assert engine.verify("d.t") == engine.verify("d.v") == engine.verify("d.missing") == ()


def test_a_pointer_of_format_1_that_names_a_missing_or_shorter_file_is_found_out(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    pointer = folder(tmp_path) / "current.json"
    table = json.loads(pointer.read_text())["table"]
    contents = table.pop("held")
    table["files"] = [[*file[:3], contents[file[3]], file[4]] for file in table["files"]]
    pointer.write_text(json.dumps({"format": 1, **table}))
    first, second = sorted(folder(tmp_path).glob("*.parquet"))
    truncate(first)
    second.unlink()

    assert {error.file for error in engine.verify("d.t")} == {str(first), str(second)}
    with pytest.raises(Damaged):
        engine.query(SQL, labels={})


def test_rows_are_appended_to_a_table_of_which_some_are_damaged(engine: EmbeddedEngine, tmp_path: Path) -> None:
    next(folder(tmp_path).glob("*.parquet")).unlink()

    for x in range(40):
        engine.load("d.t", [{"day": "2026-05-01", "x": x}], COLUMNS, write=Write.APPEND, labels={})

    files = json.loads((folder(tmp_path) / "current.json").read_text())["table"]["files"]
    assert sum(rows for _, rows, *_ in files) == 1040
    with pytest.raises(Damaged):
        engine.info("d.t")


def test_a_query_that_is_wrong_is_still_the_fault_of_the_query(engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidQuery):
        engine.query(Sql("SELECT CAST(s AS INT64) AS x FROM d.t"), labels={})
