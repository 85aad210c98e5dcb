"""What every engine does alike: one body of tests over the embedded engine and over BigQuery's client with the fake."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, EngineError, InvalidQuery, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Layout, Write
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving

NUMBERS = (Column("x", "INT64"), Column("name", "STRING"))


@pytest.fixture(params=["embedded", "bigquery"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "embedded":
        yield EmbeddedEngine(tmp_path, project=PROJECT)
        return
    with serving(FakeBigQuery(tmp_path, datasets=["d", "e"])) as url:
        yield BigQueryEngine(BigQuerySettings(PROJECT, api_endpoint=url, retry_seconds=2.0), attempt="1")


def rows(engine: Engine, sql: str) -> list[tuple[Value, ...]]:
    return list(engine.query(Sql(sql), labels={}).rows)


def load_numbers(engine: Engine, table: str = "d.numbers", *, write: Write = Write.TRUNCATE) -> None:
    engine.load(table, [{"x": 1, "name": "one"}, {"x": 2}], NUMBERS, write=write, labels={})


def test_a_query_gives_columns_and_rows_with_their_types_in_order(engine: Engine) -> None:
    result = engine.query(
        Sql(
            "SELECT x, 'a' AS s, x / 2 AS f, x > 1 AS b, DATE '2026-05-04' AS d, "
            "TIMESTAMP '2026-05-04 12:30:00+00' AS t, CAST(NULL AS STRING) AS n, CAST('1.5' AS NUMERIC) AS m\n"
            "FROM UNNEST([2, 1]) AS x ORDER BY x DESC"
        ),
        labels={"node": "a"},
    )

    assert result.columns == (
        Column("x", "INT64"), Column("s", "STRING"), Column("f", "FLOAT64"), Column("b", "BOOL"), Column("d", "DATE"),
        Column("t", "TIMESTAMP"), Column("n", "STRING"), Column("m", "NUMERIC"),
    )  # fmt: skip
    moment = datetime(2026, 5, 4, 12, 30, tzinfo=UTC)
    assert result.rows == (
        (2, "a", 1.0, True, date(2026, 5, 4), moment, None, Decimal("1.5")),
        (1, "a", 0.5, False, date(2026, 5, 4), moment, None, Decimal("1.5")),
    )
    assert result.job.rows == 2


def test_structs_are_mappings_and_arrays_are_lists(engine: Engine) -> None:
    (row,) = rows(engine, "SELECT STRUCT(1 AS a, [STRUCT('x' AS b)] AS c) AS s, CAST([] AS ARRAY<INT64>) AS e")

    assert row == ({"a": 1, "c": [{"b": "x"}]}, [])


def test_floats_that_are_no_numbers_come_back(engine: Engine) -> None:
    engine.load(
        "d.f",
        [{"f": float("inf")}, {"f": float("nan")}],
        [Column("f", "FLOAT64")],
        write=Write.TRUNCATE,
        labels={},
    )

    values = [row[0] for row in rows(engine, "SELECT f FROM d.f ORDER BY f DESC")]

    assert any(isinstance(value, float) and math.isnan(value) for value in values)
    assert float("inf") in values


def test_truncate_makes_a_table_and_then_replaces_rows_and_columns(engine: Engine) -> None:
    first = engine.query_to_table(Sql("SELECT 1 AS x"), "d.t", write=Write.TRUNCATE, labels={})
    second = engine.query_to_table(Sql("SELECT y FROM UNNEST(['a', 'b']) AS y"), "d.t", write=Write.TRUNCATE, labels={})

    assert (first.rows, second.rows) == (1, 2)
    assert rows(engine, "SELECT * FROM d.t ORDER BY y") == [("a",), ("b",)]


def test_append_keeps_what_is_there(engine: Engine) -> None:
    for x in (1, 2):
        engine.query_to_table(Sql(f"SELECT {x} AS x"), "d.t", write=Write.APPEND, labels={})

    assert rows(engine, "SELECT x FROM d.t ORDER BY x") == [(1,), (2,)]


def test_append_adds_a_new_column_and_leaves_a_missing_one_null(engine: Engine) -> None:
    load_numbers(engine)

    engine.query_to_table(Sql("SELECT 3 AS x, 0.5 AS share"), "d.numbers", write=Write.APPEND, labels={})

    assert rows(engine, "SELECT x, name, share FROM d.numbers ORDER BY x") == [
        (1, "one", None),
        (2, None, None),
        (3, None, 0.5),
    ]


def test_a_load_adds_a_new_column_and_leaves_a_missing_one_null(engine: Engine) -> None:
    load_numbers(engine)

    engine.load("d.numbers", [{"y": 1.5}], [Column("y", "FLOAT64")], write=Write.APPEND, labels={})

    assert rows(engine, "SELECT x, name, y FROM d.numbers ORDER BY x NULLS LAST") == [
        (1, "one", None),
        (2, None, None),
        (None, None, 1.5),
    ]


def test_append_refuses_a_column_of_another_type(engine: Engine) -> None:
    load_numbers(engine)

    with pytest.raises(InvalidQuery, match="name"):
        engine.query_to_table(Sql("SELECT 1 AS x, TRUE AS name"), "d.numbers", write=Write.APPEND, labels={})

    assert len(rows(engine, "SELECT x FROM d.numbers")) == 2


@pytest.mark.parametrize("count", [0, 1])
def test_empty_refuses_a_table_that_exists_and_leaves_it(engine: Engine, count: int) -> None:
    engine.load("d.t", [{"x": 1, "name": "a"}] * count, NUMBERS, write=Write.EMPTY, labels={})

    with pytest.raises(Conflict):
        engine.query_to_table(Sql("SELECT 9 AS x"), "d.t", write=Write.EMPTY, labels={})
    with pytest.raises(Conflict):
        load_numbers(engine, "d.t", write=Write.EMPTY)

    assert len(rows(engine, "SELECT x FROM d.t")) == count


def test_a_query_that_fails_leaves_the_table_as_it_was(engine: Engine) -> None:
    load_numbers(engine)

    with pytest.raises(EngineError):
        engine.query_to_table(
            Sql("SELECT CAST(name AS INT64) AS x FROM d.numbers"), "d.numbers", write=Write.TRUNCATE, labels={}
        )

    assert len(rows(engine, "SELECT x FROM d.numbers")) == 2


def test_a_query_may_replace_the_table_that_it_reads(engine: Engine) -> None:
    load_numbers(engine)

    engine.query_to_table(Sql("SELECT x + 1 AS x FROM d.numbers"), "d.numbers", write=Write.TRUNCATE, labels={})

    assert rows(engine, "SELECT x FROM d.numbers ORDER BY x") == [(2,), (3,)]


def test_what_is_loaded_comes_back(engine: Engine) -> None:
    columns = (
        Column("day", "DATE"),
        Column("moment", "TIMESTAMP"),
        Column("exact", "NUMERIC"),
        Column("yes", "BOOL"),
        Column("many", "ARRAY<STRING>"),
        Column("parts", "ARRAY<STRUCT<k STRING, v INT64>>"),
    )
    row: dict[str, Value] = {
        "day": date(2026, 5, 4),
        "moment": datetime(2026, 5, 4, 1, 2, 3, 456789, tzinfo=UTC),
        "exact": Decimal("0.1"),
        "yes": False,
        "many": ["é", "'\"\n"],
        "parts": [{"k": "a", "v": 1}],
    }

    job = engine.load("d.t", [row], columns, write=Write.TRUNCATE, labels={})

    assert job.rows == 1
    (found,) = engine.query(Sql("SELECT * FROM d.t"), labels={}).dicts()
    assert found == row
    info = engine.info("d.t")
    assert info is not None
    assert info.columns == columns


def test_loading_no_rows_makes_a_table_without_rows(engine: Engine) -> None:
    engine.load("d.t", [], NUMBERS, write=Write.TRUNCATE, labels={})

    info = engine.info("d.t")
    assert info is not None
    assert (info.columns, info.rows) == (NUMBERS, 0)


def test_a_layout_is_kept_by_later_writes(engine: Engine) -> None:
    layout = Layout(partition_by="day", cluster_by=("x",), description="Days.", labels={"experiment": "e"})
    for write in (Write.TRUNCATE, Write.APPEND, Write.TRUNCATE, Write.APPEND):
        engine.query_to_table(
            Sql("SELECT DATE '2026-05-04' AS day, 1 AS x"), "d.t", write=write, labels={}, layout=layout
        )

    info = engine.info("d.t")
    assert info is not None
    assert (info.rows, info.description, dict(info.labels)) == (2, "Days.", {"experiment": "e"})


def test_a_table_is_partitioned_by_an_integer(engine: Engine) -> None:
    layout = Layout(partition_by="x")
    load = {"write": Write.APPEND, "labels": {}, "layout": layout}

    engine.load("d.t", [{"x": 1, "name": "a"}], NUMBERS, **load)  # type: ignore[arg-type]  # as above
    engine.query_to_table(Sql("SELECT 2 AS x, 'b' AS name"), "d.t", **load)  # type: ignore[arg-type]

    assert rows(engine, "SELECT x FROM d.t ORDER BY x") == [(1,), (2,)]


def test_a_table_is_partitioned_by_the_days_of_moments(engine: Engine) -> None:
    columns = (Column("at", "TIMESTAMP"), Column("x", "INT64"))
    layout = Layout(partition_by="at", cluster_by=("x",))
    for hour in (1, 2):
        row: dict[str, Value] = {"at": datetime(2026, 5, 4, hour, tzinfo=UTC), "x": hour}
        engine.load("d.t", [row], columns, write=Write.APPEND, labels={}, layout=layout)

    assert rows(engine, "SELECT x FROM d.t WHERE at < TIMESTAMP '2026-05-04 01:30:00+00'") == [(1,)]


def test_partitioning_by_a_column_that_is_not_there_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidQuery, match="dya"):
        engine.query_to_table(
            Sql("SELECT 1 AS x"), "d.t", write=Write.TRUNCATE, labels={}, layout=Layout(partition_by="dya")
        )


def test_a_view_follows_its_table_and_its_latest_text(engine: Engine) -> None:
    load_numbers(engine)
    engine.create_view("d.v", Sql("SELECT x FROM d.numbers"), description="All.", labels={"kind": "view"})
    engine.create_view("d.v", Sql("SELECT x FROM d.numbers"), description="All.", labels={"kind": "view"})
    load_numbers(engine, write=Write.APPEND)

    before = rows(engine, "SELECT COUNT(*) FROM d.v")
    engine.create_view("d.v", Sql("SELECT x FROM d.numbers WHERE x > 1"), labels={})

    info = engine.info("d.v")
    assert info is not None
    assert (info.view_sql or "").startswith("SELECT x FROM")
    assert (before, rows(engine, "SELECT COUNT(*) FROM d.v")) == ([(4,)], [(2,)])


def test_a_view_is_not_made_where_a_table_is_nor_rows_written_where_a_view_is(engine: Engine) -> None:
    load_numbers(engine)
    engine.create_view("d.v", Sql("SELECT x FROM d.numbers"), labels={})

    with pytest.raises(Conflict):
        engine.create_view("d.numbers", Sql("SELECT 1 AS x"), labels={})
    with pytest.raises(InvalidQuery, match="view"):
        load_numbers(engine, "d.v")

    assert rows(engine, "SELECT x FROM d.v ORDER BY x") == [(1,), (2,)]


@pytest.mark.parametrize("name", ["d.numbers", "d.v", f"{PROJECT}.d.numbers"])
def test_a_table_or_view_may_be_named_with_its_project(engine: Engine, name: str) -> None:
    load_numbers(engine)
    engine.create_view("d.v", Sql("SELECT * FROM d.numbers"), labels={})

    assert rows(engine, f"SELECT name, x FROM `{name}` ORDER BY x") == [("one", 1), (None, 2)]


def test_results_are_arrow_of_the_columns_types(engine: Engine) -> None:
    columns = {
        "INT64": ("1", "int64"),
        "FLOAT64": ("0.5", "double"),
        "STRING": ("'a'", "string"),
        "BOOL": ("TRUE", "bool"),
        "BYTES": ("b'a'", "binary"),
        "NUMERIC": ("NUMERIC '0.1'", "decimal128(38, 9)"),
        "DATE": ("DATE '2026-05-04'", "date32[day]"),
        "DATETIME": ("DATETIME '2026-05-04 01:02:03'", "timestamp[us]"),
        "TIMESTAMP": ("TIMESTAMP '2026-05-04 00:00:00+00'", "timestamp[us, tz=UTC]"),
        "JSON": ("j", "string"),
        "ARRAY<STRUCT<k STRING, v INT64>>": (
            "[STRUCT('a' AS k, 1 AS v)]",
            "list<element: struct<k: string, v: int64>>",
        ),
    }
    values = ", ".join(f"{value} AS c{number}" for number, (value, _) in enumerate(columns.values()))

    engine.load("d.t", [{"j": {"a": [1]}}], [Column("j", "JSON")], write=Write.TRUNCATE, labels={})

    result = engine.query(Sql(f"SELECT {values} FROM d.t"), labels={})

    assert [column.type for column in result.columns] == list(columns)
    assert [str(field.type) for field in result.table.schema] == [type_ for _, type_ in columns.values()]
    assert result.table.num_rows == 1


@pytest.mark.parametrize("filter_", ["TRUE", "FALSE"])
def test_sums_of_integers_are_integers_wherever_they_stand(engine: Engine, filter_: str) -> None:
    result = engine.query(
        Sql(
            "SELECT k, SUM(v) AS total, [SUM(v)] AS listed, STRUCT(SUM(v) AS s) AS held "
            f"FROM UNNEST([STRUCT('a' AS k, 1 AS v), ('a', 2), ('b', 4)]) WHERE {filter_} GROUP BY k ORDER BY k"
        ),
        labels={},
    )

    assert [column.type for column in result.columns] == ["STRING", "INT64", "ARRAY<INT64>", "STRUCT<s INT64>"]
    assert [str(field.type) for field in result.table.schema] == [
        "string",
        "int64",
        "list<element: int64>",
        "struct<s: int64>",
    ]
    expected = [("a", 3, [3], {"s": 3}), ("b", 4, [4], {"s": 4})] if filter_ == "TRUE" else []
    assert list(result.rows) == expected


def test_a_product_of_numerics_has_the_digits_of_a_numeric(engine: Engine) -> None:
    product = "NUMERIC '0.123456789' * NUMERIC '0.5'"

    result = engine.query(Sql(f"SELECT {product} AS x, [{product}] AS many, 1 AS n"), labels={})

    assert [column.type for column in result.columns] == ["NUMERIC", "ARRAY<NUMERIC>", "INT64"]
    assert result.rows == ((Decimal("0.061728395"), [Decimal("0.061728395")], 1),)  # half is rounded away from 0


def test_many_rows_come_in_their_order(engine: Engine) -> None:
    result = engine.query(Sql("SELECT x FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS x ORDER BY x DESC"), labels={})

    expected = list(range(2500, 0, -1))
    assert [row for (row,) in result.rows] == expected
    assert [row["x"] for row in result.dicts()] == expected
    assert (result.table.num_rows, result.job.rows) == (2500, 2500)


def test_asking_for_what_is_not_there_names_it(engine: Engine) -> None:
    load_numbers(engine)

    with pytest.raises(NotFound, match="missing"):
        rows(engine, "SELECT * FROM d.missing")
    with pytest.raises(InvalidQuery, match="nmae"):
        rows(engine, "SELECT nmae FROM d.numbers")


def test_a_query_of_a_missing_table_names_it(engine: Engine) -> None:
    load_numbers(engine)

    with pytest.raises(NotFound) as caught:
        rows(engine, "SELECT x FROM d.missing")

    assert caught.value.table.endswith("d.missing")


def test_sql_that_cannot_run_is_refused(engine: Engine) -> None:
    load_numbers(engine)

    for sql in ("SELECT\n  nope\nFROM d.numbers", "SELECT x FROM", "SELECT x FROM d.numbers GROUP BY name"):
        with pytest.raises(InvalidQuery):
            rows(engine, sql)
        with pytest.raises(InvalidQuery):
            engine.dry_run(Sql(sql))


def test_a_dry_run_says_columns_and_bytes_and_writes_nothing(engine: Engine) -> None:
    load_numbers(engine)

    dry = engine.dry_run(Sql("SELECT x, x / 2 AS half FROM d.numbers"))

    assert dry.columns == (Column("x", "INT64"), Column("half", "FLOAT64"))
    assert dry.bytes > 0


def test_an_etag_changes_with_rows_and_with_labels(engine: Engine) -> None:
    def etag() -> str:
        info = engine.info("d.numbers")
        assert info is not None
        return info.etag

    load_numbers(engine)
    first = etag()
    assert first == etag()

    load_numbers(engine, write=Write.APPEND)
    second = etag()
    engine.set_labels("d.numbers", {"a": "b"})

    assert len({first, second, etag()}) == 3


def test_labels_are_replaced_as_a_whole(engine: Engine) -> None:
    load_numbers(engine)
    engine.set_labels("d.numbers", {"last_updated": "1", "old": "x"})

    engine.set_labels("d.numbers", {"last_updated": "2"})

    info = engine.info("d.numbers")
    assert info is not None
    assert dict(info.labels) == {"last_updated": "2"}
    with pytest.raises(NotFound):
        engine.set_labels("d.missing", {"a": "b"})


def test_tables_and_views_are_listed_by_name(engine: Engine) -> None:
    load_numbers(engine, "d.b_2")
    load_numbers(engine, "d.b_1")
    load_numbers(engine, "d.a")
    engine.create_view("d.b_v", Sql("SELECT x FROM d.a"), labels={})

    assert [info.name for info in engine.tables("d")] == ["d.a", "d.b_1", "d.b_2", "d.b_v"]
    assert [info.name for info in engine.tables("d", prefix="b_")] == ["d.b_1", "d.b_2", "d.b_v"]
    assert [info.name for info in engine.tables("d") if info.is_view] == ["d.b_v"]


def test_datasets_are_listed_by_name(engine: Engine) -> None:
    load_numbers(engine, "e.a")
    load_numbers(engine, "d.a")

    assert [name for name in engine.datasets() if name in ("d", "e")] == ["d", "e"]


def test_a_list_tells_labels(engine: Engine) -> None:
    load_numbers(engine, "d.a")
    engine.set_labels("d.a", {"last_updated": "1"})

    (listed,) = engine.tables("d")

    assert dict(listed.labels) == {"last_updated": "1"}


def test_of_many_tables_those_that_there_are_are_told_by_the_names_asked_for(engine: Engine) -> None:
    load_numbers(engine, "d.b")
    load_numbers(engine, "d.a")

    infos = engine.infos(["d.b", "d.missing", f"{PROJECT}.d.a"])

    assert infos == {"d.b": engine.info("d.b"), f"{PROJECT}.d.a": engine.info("d.a")}


def test_deleting_is_final_and_may_be_repeated(engine: Engine) -> None:
    load_numbers(engine)
    engine.create_view("d.v", Sql("SELECT x FROM d.numbers"), labels={})

    for name in ("d.v", "d.numbers", "d.numbers", "d.never"):
        engine.delete(name)

    assert engine.tables("d") == ()
    assert engine.info("d.numbers") is None
    load_numbers(engine, write=Write.EMPTY)
    assert len(rows(engine, "SELECT x FROM d.numbers")) == 2


def test_a_temporary_table_that_is_read_once_has_the_rows_and_types_of_its_query(engine: Engine) -> None:
    load_numbers(engine)
    layout = Layout(temporary=True, read_once=True)

    for number in (1, 2):
        query = Sql(f"SELECT x, x / 4 AS part, {number} AS number FROM d.numbers")
        engine.query_to_table(query, "d.scratch", write=Write.TRUNCATE, labels={}, layout=layout)

        assert rows(
            engine, "SELECT a.x, b.part, b.number FROM d.scratch AS a INNER JOIN d.scratch AS b USING (x) ORDER BY x"
        ) == [(1, 0.25, number), (2, 0.5, number)]
    engine.delete("d.scratch")

    with pytest.raises(NotFound, match=r"d\.scratch"):
        engine.query(Sql("SELECT * FROM d.scratch"), labels={})


def test_a_temporary_table_is_there_until_it_is_deleted(engine: Engine) -> None:
    load_numbers(engine)
    query = Sql("SELECT x, [name] AS names, x / 4 AS part FROM d.numbers")

    for _ in range(2):
        job = engine.query_to_table(query, "d.scratch", write=Write.TRUNCATE, labels={}, layout=Layout(temporary=True))

        assert job.rows == 2
        assert rows(
            engine, "SELECT t.x, t.part, n.name FROM d.scratch AS t INNER JOIN d.numbers AS n USING (x) ORDER BY x"
        ) == [
            (1, 0.25, "one"),
            (2, 0.5, None),
        ]
    engine.delete("d.scratch")
    engine.delete("d.scratch")

    with pytest.raises(NotFound, match=r"d\.scratch"):
        engine.query(Sql("SELECT * FROM d.scratch"), labels={})
