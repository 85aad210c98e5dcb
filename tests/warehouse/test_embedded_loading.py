"""What becomes of Python's values that are loaded into the embedded engine, and what it does not take."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Damaged, InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.arrow import fitted
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write


@pytest.mark.parametrize(
    ("type_", "given", "found"),
    [
        ("DATE", "2026-05-04", date(2026, 5, 4)),
        ("INT64", 3.0, 3),
        ("INT64", True, 1),
        ("FLOAT64", 2, 2.0),
        ("FLOAT64", 2**60, float(2**60)),
        ("NUMERIC", 1.5, Decimal("1.5")),
        ("ARRAY<DATE>", [date(2026, 5, 4), "2026-05-05"], [date(2026, 5, 4), date(2026, 5, 5)]),
        ("ARRAY<NUMERIC>", [Decimal("0.1"), 2], [Decimal("0.1"), Decimal(2)]),
        ("ARRAY<FLOAT64>", [1, 2.5], [1.0, 2.5]),
        ("STRUCT<a BYTES, b STRUCT<c DATE>>", {"a": b"\xff", "b": {"c": "2026-05-04"}},
         {"a": b"\xff", "b": {"c": date(2026, 5, 4)}}),
        ("STRUCT<a INT64, b STRING>", {"a": 1}, {"a": 1, "b": None}),
        ("JSON", {"é": [1, None]}, '{"é":[1,null]}'),
        ("JSON", '{ "a": "b" }', '{"a":"b"}'),
        ("STRING", "a\x00b", "a\x00b"),
    ],
)  # fmt: skip
def test_values_become_those_of_their_columns_type(type_: str, given: Value, found: Value, tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    engine.load("d.t", [{"v": given}, {"v": None}, {}], [Column("v", type_)], write=Write.EMPTY, labels={})

    assert engine.query(Sql("SELECT v FROM d.t"), labels={}).rows == ((found,), (None,), (None,))


@pytest.mark.parametrize(
    ("type_", "value"), [("INT64", 2**63), ("ARRAY<INT64>", [-(2**64)]), ("DATE", "no date"), ("STRING", "\ud800")]
)
def test_a_value_that_its_type_cannot_have_is_refused(type_: str, value: Value, tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    with pytest.raises(InvalidQuery):
        engine.load("d.t", [{"v": value}], [Column("v", type_)], write=Write.EMPTY, labels={})

    assert engine.info("d.t") is None


def test_lists_are_of_the_same_type_whatever_their_elements_were_called() -> None:
    inner = pa.struct([("ids", pa.list_(pa.field("l", pa.int64())))])
    rows = [[{"ids": [1]}], None, [{"ids": [2, None]}, {"ids": None}]]
    table = pa.table({"v": pa.chunked_array([pa.array([[], *rows], pa.list_(pa.field("l", inner))).slice(1)])})

    found = fitted(table, [Column("v", "ARRAY<STRUCT<ids ARRAY<INT64>>>")])

    assert str(found.schema.field("v").type) == "list<element: struct<ids: list<element: int64>>>"
    assert found.column("v").to_pylist() == rows


def test_what_is_known_of_a_table_is_what_its_files_are_now(tmp_path: Path) -> None:
    engine, other = EmbeddedEngine(tmp_path), EmbeddedEngine(tmp_path)
    columns = [Column("v", "INT64")]
    engine.load("d.t", [{"v": 1}], columns, write=Write.EMPTY, labels={})
    assert engine.info("d.t") is not None

    other.load("d.t", [{"v": 2}], columns, write=Write.TRUNCATE, labels={})
    before, after = engine.info("d.t"), other.info("d.t")
    assert before is not None
    assert after is not None
    assert before.etag == after.etag
    for path in (tmp_path / "local" / "d" / "t").glob("*.parquet"):
        path.unlink()

    with pytest.raises(Damaged, match="is missing"):
        engine.info("d.t")
