"""How the embedded engine reads what earlier versions wrote, and versions of tables that are not stored by date."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import DateVersion, Knowledge, TableVersions, Write

MAY_1, MAY_2 = date(2026, 5, 1), date(2026, 5, 2)


def pointer(root: Path, table: str = "t") -> Path:
    return root / "local" / "d" / table / "current.json"


def as_format_1(path: Path) -> None:
    table = json.loads(path.read_text())["table"]
    contents = table.pop("held")
    table["files"] = [[*file[:3], contents[file[3]], file[4]] for file in table["files"]]
    del table["created"]
    path.write_text(json.dumps({"format": 1, **table}))


def load(engine: EmbeddedEngine, rows: list[dict[str, Value]], type_: str, *, write: Write = Write.TRUNCATE) -> None:
    engine.load("d.t", rows, [Column("at", type_), Column("x", "INT64")], write=write, labels={})


def versions(engine: EmbeddedEngine, column: str = "at") -> TableVersions:
    return engine.versions(["d.t"], date_column=column, first=MAY_1, last=MAY_2)["d.t"]


def test_tables_of_format_1_are_read_and_written(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, [{"at": MAY_1, "x": 1}], "DATE")
    as_format_1(pointer(tmp_path))

    old = engine.info("d.t")
    load(engine, [{"at": MAY_1, "x": 2}], "DATE", write=Write.APPEND)

    new = engine.info("d.t")
    assert old is not None
    assert new is not None
    assert old.created == new.created == datetime(1970, 1, 1, tzinfo=UTC)
    assert engine.query(Sql("SELECT x FROM d.t ORDER BY x"), labels={}).rows == ((1,), (2,))
    assert json.loads(pointer(tmp_path).read_text())["format"] == 2


def test_a_newer_format_is_refused_and_says_what_helps(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, [{"at": MAY_1, "x": 1}], "DATE")
    path = pointer(tmp_path)
    path.write_text(path.read_text().replace('"format": 2', '"format": 4'))

    with pytest.raises(Unsupported, match=r"current\.json has format 4.*reads formats up to 3; use the version"):
        engine.query(Sql("SELECT x FROM d.t"), labels={})
    with pytest.raises(Unsupported, match="format 4"):
        load(engine, [{"at": MAY_1, "x": 1}], "DATE")


@pytest.mark.parametrize(
    ("type_", "first", "second"),
    [
        ("DATE", MAY_1, MAY_2),
        ("TIMESTAMP", datetime(2026, 5, 1, 23, 59, tzinfo=UTC), datetime(2026, 5, 2, tzinfo=UTC)),
        ("DATETIME", "2026-05-01 23:59:00", "2026-05-02 00:00:00"),
    ],
)
def test_dates_of_a_table_that_is_not_stored_by_date_are_told_by_their_rows(
    tmp_path: Path, type_: str, first: Value, second: Value
) -> None:
    engine = EmbeddedEngine(tmp_path)
    rows: list[dict[str, Value]] = [{"at": first, "x": 1}, {"at": first, "x": 2}, {"at": second, "x": 3}, {"x": 4}]
    load(engine, rows, type_)
    before = versions(engine, "AT")

    load(engine, [*reversed(rows), {"at": second, "x": 3}], type_)
    after = versions(engine)

    assert {day: version.rows for day, version in before.dates.items()} == {MAY_1: 2, MAY_2: 1}
    assert before.newest == MAY_2
    assert after.dates[MAY_1] == before.dates[MAY_1]
    assert after.dates[MAY_2].rows == 2


def test_a_value_that_changed_is_another_version_of_its_date_alone(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, [{"at": MAY_1, "x": 1}, {"at": MAY_2, "x": None}], "DATE")
    before = versions(engine).dates

    load(engine, [{"at": MAY_1, "x": 1}, {"at": MAY_2, "x": 0}], "DATE")
    after = versions(engine).dates

    assert after[MAY_1] == before[MAY_1]
    assert isinstance(after[MAY_2], DateVersion)
    assert after[MAY_2] != before[MAY_2]


def test_a_column_that_is_no_date_or_is_not_there_tells_no_versions(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, [{"at": MAY_1, "x": 1}], "DATE")

    assert versions(engine, "x") == versions(engine, "missing") == TableVersions("d.t", Knowledge.NOT_BY_DATE)
