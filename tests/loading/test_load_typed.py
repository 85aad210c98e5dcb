"""What JSON lines, Parquet and data frames become, and what is listed of it."""

import json
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jetstream_argo.errors import ConfigError
from jetstream_argo.loading.listing import embedded_datasets, listed
from jetstream_argo.loading.load import Loaded, load_frame, load_named
from jetstream_argo.loading.options import reading_options
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

_moment = datetime.fromisoformat
_AS_IT_IS = reading_options(types={})


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    return EmbeddedEngine(tmp_path / "warehouse")


def _rows(engine: EmbeddedEngine) -> list[tuple[object, ...]]:
    return list(engine.query(Sql("SELECT * FROM shop.orders"), labels={}).rows)


def _types(loaded: Loaded) -> dict[str, str]:
    return {column.name: column.type for column in loaded.columns}


def test_json_lines_keep_texts_that_look_like_numbers_and_nested_values(engine: EmbeddedEngine, tmp_path: Path) -> None:
    objects = [
        {"id": "0042", "n": 1, "x": 1, "big": 2**64, "day": "2026-05-04", "ok": True, "tags": ["a"], "at": {"k": 1}},
        {"id": "17", "n": None, "x": 1.5, "big": 1, "day": "2026-05-05", "ok": None, "tags": [], "new": "x"},
    ]
    (tmp_path / "o.jsonl").write_text("\n".join(map(json.dumps, objects)))

    loaded = load_named(engine, "shop.orders", [str(tmp_path / "o.jsonl")], _AS_IT_IS)

    assert _types(loaded) == {
        "id": "STRING", "n": "INT64", "x": "FLOAT64", "big": "STRING", "day": "DATE", "ok": "BOOL",
        "tags": "ARRAY<STRING>", "at": "STRUCT<k INT64>", "new": "STRING",
    }  # fmt: skip
    assert sorted(row[0] for row in _rows(engine)) == ["0042", "17"]  # type: ignore[type-var]  # texts
    assert str(2**64) in [row[3] for row in _rows(engine)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1}\n{"a":\n', "o.jsonl:\n  is not JSON, an object a line: at byte .* in line"),
        ("1\n2\n", "holds no JSON objects"),
        ('{"a": 1, "A": 2}\n', "would be one column"),
        ('{"": 1}\n', "has objects with a key that is empty"),
    ],
)
def test_what_is_no_table_in_json_is_refused(engine: EmbeddedEngine, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "o.jsonl").write_text(text)

    with pytest.raises(ConfigError, match=message):
        load_named(engine, "shop.orders", [str(tmp_path / "o.jsonl")], _AS_IT_IS)


def test_a_value_in_json_that_does_not_fit_is_named_with_its_line(engine: EmbeddedEngine, tmp_path: Path) -> None:
    (tmp_path / "o.jsonl").write_text('\n{"a": 1}\n\n{"a": "x"}\n')

    with pytest.raises(ConfigError, match="line 4, column a: 'x' is no INT64"):
        load_named(engine, "shop.orders", [str(tmp_path / "o.jsonl")], reading_options(types={"a": "INT64"}))


def test_parquet_keeps_its_types_as_far_as_bigquery_has_them(engine: EmbeddedEngine, tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": pa.array([1, 2], pa.int16()),
            "f": pa.array([0.5, None], pa.float32()),
            "day": pa.array([_moment("2026-05-04"), _moment("2026-05-05")], pa.timestamp("ns")),
            "at": pa.array([_moment("2026-05-04T01:00"), _moment("2026-05-05")], pa.timestamp("ms")),
            "zoned": pa.array([_moment("2026-05-04T01:00"), None], pa.timestamp("us", tz="Europe/Berlin")),
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "map": pa.array([[("k", 1)], []], pa.map_(pa.string(), pa.int64())),
            "money": pa.array([1, 2], pa.decimal128(10, 2)),
            "code": ["0042", "17"],
        }
    )
    pq.write_table(table, tmp_path / "o.parquet")

    loaded = load_named(engine, "shop.orders", [str(tmp_path / "o.parquet")], _AS_IT_IS)

    assert _types(loaded) == {
        "n": "INT64", "f": "FLOAT64", "day": "DATE", "at": "DATETIME", "zoned": "TIMESTAMP", "word": "STRING",
        "map": "ARRAY<STRUCT<key STRING, value INT64>>", "money": "NUMERIC", "code": "STRING",
    }  # fmt: skip
    assert "times that all are midnight, taken for dates" in str(loaded)


def test_folders_named_for_a_value_are_a_column(engine: EmbeddedEngine, tmp_path: Path) -> None:
    for day in ("2026-05-04", "2026-05-05"):
        (tmp_path / "orders" / f"day={day}").mkdir(parents=True)
        pq.write_table(pa.table({"id": [1]}), tmp_path / "orders" / f"day={day}" / "part-0.parquet")

    load_named(engine, "shop.orders", [str(tmp_path / "orders")], _AS_IT_IS)

    assert sorted(_rows(engine)) == [(1, date(2026, 5, 4)), (1, date(2026, 5, 5))]


def test_columns_of_parquet_that_differ_by_case_only_are_refused(engine: EmbeddedEngine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "A": [2]}), tmp_path / "o.parquet")

    with pytest.raises(ConfigError, match=r"'a' \(column 1\) and 'A' \(column 2\) would be one column"):
        load_named(engine, "shop.orders", [str(tmp_path / "o.parquet")], _AS_IT_IS)


def test_a_number_beyond_int64_and_a_type_that_bigquery_lacks_are_refused(
    engine: EmbeddedEngine, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"n": pa.array([1, 2**64 - 1], pa.uint64())}), tmp_path / "o.parquet")
    with pytest.raises(ConfigError, match=f"row 2, column n: {2**64 - 1} is no INT64; give a --type"):
        load_named(engine, "shop.orders", [str(tmp_path / "o.parquet")], _AS_IT_IS)

    loaded = load_named(engine, "shop.orders", [str(tmp_path / "o.parquet")], reading_options(types={"n": "STRING"}))
    assert _types(loaded) == {"n": "STRING"}
    assert sorted(_rows(engine)) == [("1",), (str(2**64 - 1),)]


def test_a_file_that_only_is_called_parquet_is_refused(engine: EmbeddedEngine, tmp_path: Path) -> None:
    (tmp_path / "o.parquet").write_text("id,day\n1,2\n")

    with pytest.raises(ConfigError, match=r"o.parquet:\n  is not a Parquet file"):
        load_named(engine, "shop.orders", [str(tmp_path / "o.parquet")], _AS_IT_IS)


def test_a_frame_of_pandas_is_a_table(engine: EmbeddedEngine) -> None:
    frame = pd.DataFrame(
        {
            "id": ["a", None],
            "day": pd.to_datetime(["2026-05-04", "2026-05-05"]),
            "x": [1.5, float("nan")],
            "text_day": ["2026-05-04", "2026-05-05"],
        },
        index=[7, 9],
    )

    loaded = load_frame(engine, "shop.orders", frame, _AS_IT_IS)

    assert _types(loaded) == {"id": "STRING", "day": "DATE", "x": "FLOAT64", "text_day": "DATE"}
    assert sorted(_rows(engine), key=str)[1][2] is None or sorted(_rows(engine), key=str)[0][2] is None


def test_a_frame_of_arrow_is_a_table_and_what_is_no_frame_is_refused(engine: EmbeddedEngine) -> None:
    assert load_frame(engine, "shop.orders", pa.table({"id": [1]}), _AS_IT_IS).rows == 1

    with pytest.raises(ConfigError, match="'list' is no data frame"):
        load_frame(engine, "shop.orders", [{"id": 1}], _AS_IT_IS)  # type: ignore[arg-type]  # what a caller may do


def test_tables_are_listed_with_columns_dates_and_rows(engine: EmbeddedEngine) -> None:
    load_frame(engine, "shop.orders", pa.table({"id": [1, 2], "day": [date(2026, 5, 4), date(2026, 5, 9)]}), _AS_IT_IS)
    load_frame(engine, "other.words", pa.table({"w": ["a"]}), _AS_IT_IS)

    assert embedded_datasets(engine.root, "local") == ("other", "shop")
    (orders,) = listed(engine, "shop")
    assert list(orders.lines()) == ["shop.orders: 2 rows, day 2026-05-04 … 2026-05-09", "  id INT64, day DATE"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, "x"]}), "a column holds values of several kinds: .*column a"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "Duplicate column names"),
        (pd.DataFrame(), "has no columns"),
        (pd.DataFrame({"a": []}), "has columns and no rows"),
        (pd.DataFrame({"a": pd.to_timedelta(["1 day"])}), "column a: has DuckDB's type INTERVAL"),
        (pa.table({"a": pa.array([1], pa.uint64()), "A": [1]}), "would be one column"),
    ],
)
def test_frames_that_are_no_tables_are_refused(engine: EmbeddedEngine, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(ConfigError, match=rf"frame for shop\.orders:\n.*{message}"):
        load_frame(engine, "shop.orders", frame, _AS_IT_IS)
    assert engine.info("shop.orders") is None


def test_no_file_at_all_is_refused(engine: EmbeddedEngine) -> None:
    with pytest.raises(ConfigError, match="is to be loaded from no file"):
        load_named(engine, "shop.orders", [], _AS_IT_IS)
