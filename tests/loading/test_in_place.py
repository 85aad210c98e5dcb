"""Tables that are read where the user's files lie: what they hold follows the files, and nothing writes to them."""

import gc
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, Damaged, InvalidQuery
from jetstream_argo.loading.in_place import load_in_place
from jetstream_argo.loading.listing import listed
from jetstream_argo.loading.options import reading_options
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

_AS_IT_IS = reading_options(types={})
_DAY, _NEXT = date(2026, 5, 4), date(2026, 5, 5)


def _part(folder: Path, day: str, ids: list[int]) -> Path:
    (folder / f"day={day}").mkdir(parents=True, exist_ok=True)
    path = folder / f"day={day}" / "part-0.parquet"
    pq.write_table(pa.table({"id": ids}), path)
    return path


def _rows(engine: EmbeddedEngine) -> list[tuple[object, ...]]:
    return sorted(engine.query(Sql("SELECT id, day FROM shop.orders"), labels={}).rows)


def _versions(engine: EmbeddedEngine) -> dict[date, object]:
    found = engine.versions(["shop.orders"], date_column="day", first=_DAY, last=_NEXT)
    return dict(found["shop.orders"].dates)


def test_a_folder_of_parquet_is_read_as_it_is_at_every_query(tmp_path: Path) -> None:
    _part(tmp_path / "orders", "2026-05-04", [1, 2])
    engine = EmbeddedEngine(tmp_path / "w")

    loaded = load_in_place(engine, "shop.orders", [str(tmp_path / "orders")], _AS_IT_IS)

    assert [(column.name, column.type) for column in loaded.columns] == [("id", "INT64"), ("day", "DATE")]
    assert _rows(engine) == [(1, _DAY), (2, _DAY)]
    before = _versions(engine)
    _part(tmp_path / "orders", "2026-05-05", [3])
    assert _rows(engine) == [(1, _DAY), (2, _DAY), (3, _NEXT)]
    after = _versions(engine)
    assert (after[_DAY], set(after)) == (before[_DAY], {_DAY, _NEXT})
    assert not list((tmp_path / "w").rglob("*.parquet"))
    assert next(next(listed(engine, "shop")).lines()) == "shop.orders: 3 rows, day 2026-05-04 … 2026-05-05"


def test_a_table_of_a_duckdb_file_is_read_and_follows_it(tmp_path: Path) -> None:
    file = tmp_path / "shop.duckdb"
    with duckdb.connect(file) as database:
        database.execute("CREATE TABLE orders AS SELECT 1 AS id, DATE '2026-05-04' AS day")
    engine = EmbeddedEngine(tmp_path / "w")

    load_in_place(engine, "shop.orders", [str(file)], _AS_IT_IS)
    load_in_place(engine, "shop.again", [f"{file}:orders"], _AS_IT_IS)

    assert _rows(engine) == [(1, _DAY)]
    del engine
    gc.collect()  # and with it its connection: DuckDB lets nobody write to what is open in the same process
    with duckdb.connect(file) as database:
        database.execute("INSERT INTO orders VALUES (2, DATE '2026-05-05')")
    assert _rows(EmbeddedEngine(tmp_path / "w")) == [(1, _DAY), (2, _NEXT)]
    with pytest.raises(ConfigError, match="has no table 'visits'; it has orders; name it, as FILE:TABLE"):
        load_in_place(EmbeddedEngine(tmp_path / "w"), "shop.visits", [str(file)], _AS_IT_IS)


def test_files_that_are_gone_are_an_error_that_names_them(tmp_path: Path) -> None:
    path = _part(tmp_path / "orders", "2026-05-04", [1])
    engine = EmbeddedEngine(tmp_path / "w")
    load_in_place(engine, "shop.orders", [str(tmp_path / "orders")], _AS_IT_IS)
    path.unlink()

    with pytest.raises(Damaged, match=f"{tmp_path / 'orders'}: is not there any more, or has no Parquet files"):
        _rows(engine)


def test_nothing_is_added_to_a_table_in_place_and_replacing_it_leaves_the_files(tmp_path: Path) -> None:
    path = _part(tmp_path / "orders", "2026-05-04", [1])
    engine = EmbeddedEngine(tmp_path / "w")
    load_in_place(engine, "shop.orders", [str(tmp_path / "orders")], _AS_IT_IS)
    columns = [Column("id", "INT64"), Column("day", "DATE")]

    with pytest.raises(InvalidQuery, match="is read in place"):
        engine.load("shop.orders", [{"id": 2}], columns, write=Write.APPEND, labels={})
    engine.load("shop.orders", [{"id": 2, "day": _NEXT}], columns, write=Write.TRUNCATE, labels={})

    assert _rows(engine) == [(2, _NEXT)]
    assert path.exists()
    load_in_place(engine, "shop.orders", [str(tmp_path / "orders")], _AS_IT_IS)
    engine.delete("shop.orders")
    assert path.exists()
    assert engine.info("shop.orders") is None


def test_other_files_cannot_be_read_in_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "o.csv").write_text("a\n1\n")
    words = ["load", "shop.orders", str(tmp_path / "o.csv"), "--warehouse", f"embedded:{tmp_path / 'w'}", "--in-place"]

    assert exit_code_of(words) == 2
    assert "only Parquet and DuckDB files can; load it without --in-place" in capsys.readouterr().err
    assert exit_code_of([*words, "--append"]) == 2
