"""How the embedded engine keeps tables: versions, concurrent processes, appends, partitions, views."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import Conflict, InvalidQuery, NotFound
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write

N = [Column("n", "INT64")]


def load(
    engine: EmbeddedEngine, table: str, rows: Sequence[Mapping[str, Value]], columns: Sequence[Column] = N, *,
    write: Write = Write.TRUNCATE,
) -> None:  # fmt: skip
    engine.load(table, rows, columns, write=write, labels={})


def rows(engine: EmbeddedEngine, sql: str) -> list[tuple[Value, ...]]:
    return list(engine.query(Sql(sql), labels={}).rows)


def test_rows_of_every_type_come_back_as_they_were(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    row = {
        "i": -5, "f": 0.1, "s": "it's\n✓", "b": True, "d": date(2026, 1, 2),
        "ts": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "num": Decimal("1.25"), "a": ["x", "y"],
        "st": {"p": 1, "q": [{"r": 2.5}]}, "raw": b"\x00\xff", "nan": float("inf"),
    }  # fmt: skip
    types = ["INT64", "FLOAT64", "STRING", "BOOL", "DATE", "TIMESTAMP", "NUMERIC", "ARRAY<STRING>",
             "STRUCT<p INT64, q ARRAY<STRUCT<r FLOAT64>>>", "BYTES", "FLOAT64"]  # fmt: skip
    columns = [Column(name, type_) for name, type_ in zip(row, types, strict=True)]

    load(engine, "d.t", [row, {}], columns)

    assert list(engine.query(Sql("SELECT * FROM d.t"), labels={}).dicts()) == [row, dict.fromkeys(row)]
    info = engine.info("d.t")
    assert info is not None
    assert (info.rows, info.columns) == (2, tuple(columns))


@pytest.mark.parametrize(
    ("value", "type_"), [("x", "INT64"), (1.5, "INT64"), (1, "STRING"), (1, "BOOL"), ({"a": "x"}, "STRUCT<a INT64>")]
)
def test_a_value_of_another_type_is_refused(value: Value, type_: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidQuery, match="is not of type"):
        load(EmbeddedEngine(tmp_path), "d.t", [{"v": value}], [Column("v", type_)])


def test_truncate_replaces_append_adds_and_empty_refuses(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    load(engine, "d.t", [{"n": 1}], write=Write.EMPTY)
    load(engine, "d.t", [{"n": 2}])
    load(engine, "d.t", [{"n": 3}], write=Write.APPEND)

    assert rows(engine, "SELECT n FROM d.t ORDER BY n") == [(2,), (3,)]
    with pytest.raises(Conflict, match=r"local.d.t exists already"):
        load(engine, "d.t", [{"n": 4}], write=Write.EMPTY)


def test_an_append_unites_the_columns(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])

    engine.query_to_table(Sql("SELECT 2 AS n, ['x'] AS extra"), "d.t", write=Write.APPEND, labels={})
    engine.query_to_table(Sql("SELECT 'later' AS other"), "d.t", write=Write.APPEND, labels={})

    assert rows(engine, "SELECT * FROM d.t ORDER BY n") == [(None, None, "later"), (1, None, None), (2, ["x"], None)]


def test_an_append_of_another_type_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])

    with pytest.raises(InvalidQuery, match=r"column 'n' of table local.d.t is INT64; the rows to append have STRING"):
        engine.query_to_table(Sql("SELECT 'x' AS n"), "d.t", write=Write.APPEND, labels={})

    assert rows(engine, "SELECT n FROM d.t") == [(1,)]


def test_many_appends_are_compacted_without_losing_rows_or_order(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    for number in range(70):
        load(engine, "d.t", [{"n": number}], write=Write.APPEND)

    assert rows(engine, "SELECT n FROM d.t") == [(number,) for number in range(70)]
    assert engine.query(Sql("SELECT n FROM d.t"), labels={}).job.scanned["d.t"] <= 34


def test_only_the_partitions_asked_for_are_read(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    sql = Sql(
        "SELECT DATE_ADD('2026-01-01', INTERVAL MOD(v, 10) DAY) AS day, v FROM UNNEST(GENERATE_ARRAY(1, 1000)) AS v"
    )
    engine.query_to_table(sql, "d.t", write=Write.TRUNCATE, labels={}, layout=Layout("day", ("v",)))

    week = engine.query(Sql("SELECT SUM(v) AS s FROM d.t WHERE day BETWEEN '2026-01-02' AND '2026-01-04'"), labels={})
    everything = engine.query(Sql("SELECT SUM(v) AS s FROM d.t"), labels={})

    assert week.job.scanned == {"d.t": 3}
    assert everything.job.scanned == {"d.t": 10}
    assert 0 < week.job.bytes < everything.job.bytes


def test_partitions_are_pruned_behind_a_join_and_a_view(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    days = [{"day": date(2026, 1, 1 + number), "id": number % 3} for number in range(9)]
    engine.load("d.t", days, [Column("day", "DATE"), Column("id", "INT64")], write=Write.TRUNCATE, labels={},
                layout=Layout("day"))  # fmt: skip
    load(engine, "d.e", [{"n": 0}, {"n": 1}])
    engine.create_view("d.v", Sql("SELECT * FROM d.t"), labels={})

    on = "v.id = e.n AND v.day < '2026-01-03'"
    sql = Sql(f"SELECT e.n, COUNT(v.day) AS c FROM d.e AS e LEFT JOIN d.v AS v ON {on} GROUP BY 1")
    job = engine.query_to_table(sql, "d.out", write=Write.TRUNCATE, labels={})

    assert job.scanned == {"d.e": 1, "d.t": 2}


def test_an_append_to_a_partitioned_table_keeps_its_layout(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    columns = [Column("day", "DATE"), Column("n", "INT64")]
    engine.load("d.t", [{"day": date(2026, 1, 1)}, {"day": None}], columns, write=Write.TRUNCATE, labels={},
                layout=Layout("day", description="days", labels={"a": "b"}))  # fmt: skip

    load(engine, "d.t", [{"day": date(2026, 1, 2), "n": 1}, {"day": date(2026, 1, 3)}], columns, write=Write.APPEND)

    assert engine.query(Sql("SELECT n FROM d.t WHERE day >= '2026-01-02'"), labels={}).job.scanned == {"d.t": 2}
    info = engine.info("d.t")
    assert info is not None
    assert (info.rows, info.description, info.labels) == (4, "days", {"a": "b"})


def test_rows_that_lack_the_columns_of_the_layout_are_appended(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    columns = [Column("day", "DATE"), Column("n", "INT64")]
    engine.load("d.t", [{"day": date(2026, 1, 1), "n": 1}], columns, write=Write.TRUNCATE, labels={},
                layout=Layout("day", ("n",)))  # fmt: skip

    job = engine.load("d.t", [{"more": "x"}], [Column("more", "STRING")], write=Write.APPEND, labels={})

    assert job.written == {"NULL": 1}
    assert rows(engine, "SELECT day, n, more FROM d.t ORDER BY n") == [(None, None, "x"), (date(2026, 1, 1), 1, None)]


def test_rows_that_replace_a_table_keep_as_much_of_its_layout_as_they_have_columns_for(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    columns = [Column("day", "DATE"), Column("n", "INT64")]
    days: list[dict[str, Value]] = [{"day": date(2026, 1, 1)}, {"day": date(2026, 1, 2)}]
    engine.load("d.t", days, columns, write=Write.TRUNCATE, labels={}, layout=Layout("day", ("n",)))

    load(engine, "d.t", days, columns)
    kept = engine.query(Sql("SELECT n FROM d.t WHERE day = '2026-01-01'"), labels={}).job.scanned
    load(engine, "d.t", [{"n": 1}, {"n": 2}])

    assert kept == {"d.t": 1}
    assert engine.query(Sql("SELECT n FROM d.t"), labels={}).job.scanned == {"d.t": 1}


def test_a_query_without_rows_makes_an_empty_table_with_columns(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    engine.query_to_table(
        Sql("SELECT DATE '2026-01-01' AS day, 1.5 AS x LIMIT 0"),
        "d.t",
        write=Write.TRUNCATE,
        labels={},
        layout=Layout("day"),
    )

    assert rows(engine, "SELECT COUNT(*), SUM(x) FROM d.t") == [(0, None)]
    info = engine.info("d.t")
    assert info is not None
    assert info.columns == (Column("day", "DATE"), Column("x", "FLOAT64"))


def test_a_failed_query_leaves_the_table_and_no_file(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])

    with pytest.raises(InvalidQuery):
        engine.query_to_table(Sql("SELECT 1 / (n - 1) AS n FROM d.t"), "d.t", write=Write.TRUNCATE, labels={})

    assert rows(engine, "SELECT n FROM d.t") == [(1,)]


def test_views_are_expanded_when_they_are_read(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])
    engine.create_view("d.v", Sql("SELECT n, n * 2 AS m FROM d.t"), description="twice", labels={"k": "v"})
    engine.create_view("d.w", Sql("SELECT SUM(m) AS s FROM `local.d.v`"), labels={})
    before = rows(engine, "SELECT s FROM d.w")

    load(engine, "d.t", [{"n": 5}, {"n": 6}])

    assert before == [(2,)]
    assert rows(engine, "SELECT s FROM d.w") == [(22,)]
    assert [info.name for info in engine.tables("d")] == ["d.t", "d.v", "d.w"]
    info = engine.info("d.v")
    assert info is not None
    assert (info.description, info.labels, info.columns) == ("twice", {"k": "v"}, (*N, Column("m", "INT64")))


def test_a_view_of_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        EmbeddedEngine(tmp_path).create_view("d.v", Sql("SELECT 1 AS n FROM d.t"), labels={})


def test_wildcards_read_all_tables_with_a_prefix(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.stats_day", [{"n": 1}])
    load(engine, "d.stats_week", [{"n": 2, "m": 7}], [*N, Column("m", "INT64")])

    found = rows(engine, "SELECT _TABLE_SUFFIX AS period, n, m FROM `d.stats_*` WHERE _TABLE_SUFFIX != 'x' ORDER BY n")

    assert found == [("day", 1, None), ("week", 2, 7)]


def test_names_are_case_sensitive_and_projects_are_apart(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])
    load(engine, "d.T", [{"n": 2}])
    load(engine, "moz-fx.d.t", [{"n": 3}])

    assert rows(engine, "SELECT a.n, b.n AS m, c.n AS o FROM d.t AS a, d.T AS b, moz-fx.d.t AS c") == [(1, 2, 3)]


def test_deleting_and_labelling(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])
    engine.set_labels("d.t", {"a": "b"})
    labelled = engine.info("d.t")

    engine.delete("d.t")
    engine.delete("d.t")

    assert labelled is not None
    assert labelled.labels == {"a": "b"}
    assert engine.info("d.t") is None
    assert engine.tables("d") == ()
    with pytest.raises(NotFound):
        engine.set_labels("d.t", {})


def test_rows_enter_and_leave_as_arrow(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    table = pa.table({"day": [date(2026, 1, 1), date(2026, 1, 2)], "n": [1, 2]})

    job = engine.load_arrow("d.t", table, write=Write.TRUNCATE, labels={}, layout=Layout("day"))
    found = engine.query(Sql("SELECT day, n FROM d.t ORDER BY day"), labels={}).table

    assert job.rows == 2
    assert found.equals(table)


def test_a_dry_run_says_columns_and_bytes(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])

    dry = engine.dry_run(Sql("SELECT n / 2 AS half FROM d.t"))

    info = engine.info("d.t")
    assert info is not None
    assert dry.columns == (Column("half", "FLOAT64"),)
    assert dry.bytes == info.bytes > 0


def test_a_table_has_the_columns_that_a_dry_run_of_its_query_says(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])
    scalars = Sql(
        "SELECT t.n / 2 AS f, SUM(t.n) OVER () AS n, CAST(t.n AS NUMERIC) * 2 AS num, t.n > 0 AS b, NULL AS nothing, "
        "DATE '2026-01-02' AS d, DATETIME '2026-01-02' AS dt, TIMESTAMP '2026-01-02' AS ts, TIME '10:00:00' AS at, "
        "b'x' AS raw, CAST(t.n AS STRING) AS s, 'x' FROM d.t AS t"
    )
    nested = Sql("SELECT [t.n] AS a, STRUCT(t.n AS p) AS st, t.n AS n FROM d.t AS t")

    for sql in (scalars, nested):
        engine.query_to_table(sql, "d.made", write=Write.TRUNCATE, labels={})

        info = engine.info("d.made")
        assert info is not None
        assert info.columns == engine.dry_run(sql).columns


def test_replaced_files_go_after_their_grace_and_not_before(tmp_path: Path) -> None:
    now = [1_000_000.0]
    engine = EmbeddedEngine(tmp_path, clock=lambda: now[0])
    folder = tmp_path / "local" / "d" / "t"
    load(engine, "d.t", [{"n": 1}])
    load(engine, "d.t", [{"n": 2}])
    kept = len(list(folder.glob("*.parquet")))

    now[0] += 7200
    load(engine, "d.t", [{"n": 3}])
    now[0] += 7200
    load(engine, "d.t", [{"n": 4}])

    assert kept == 2
    assert len(list(folder.glob("*.parquet"))) == 2  # the one now and the one before it


WRITER = """
import sys
from pathlib import Path
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.protocol import Column, Write
from jetstream_argo.sql.text import Sql
root, number, kind = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
engine = EmbeddedEngine(root)
print("ready", flush=True)
for turn in range(25):
    rows = [{"n": number * 1000 + turn}] * 3
    if kind == "append":
        engine.load("d.log", rows[:1], [Column("n", "INT64")], write=Write.APPEND, labels={})
    elif kind == "replace":
        engine.load("d.t", rows, [Column("n", "INT64")], write=Write.TRUNCATE, labels={})
    elif kind == "read":
        got = engine.query(Sql("SELECT COUNT(*), COUNT(DISTINCT n) FROM d.t"), labels={}).rows
        assert got == ((3, 1),), got
    else:
        query = "SELECT a.v FROM UNNEST(GENERATE_ARRAY(1, 4000)) AS a_, UNNEST(GENERATE_ARRAY(1, 4000)) AS v"
        engine.query_to_table(Sql(query.replace("a.v", "v AS n")), "d.t", write=Write.TRUNCATE, labels={})
"""


def start(root: Path, number: int, kind: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root), str(number), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_processes_share_tables_without_errors_or_lost_rows(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}] * 3)
    kinds = ["append", "append", "append", "replace", "replace", "read", "read"]

    processes = [start(tmp_path, number, kind) for number, kind in enumerate(kinds)]
    outcomes = [process.communicate(timeout=300) for process in processes]

    assert [process.returncode for process in processes] == [0] * len(kinds), [error for _, error in outcomes]
    expected = sorted(number * 1000 + turn for number in range(3) for turn in range(25))
    assert [row[0] for row in rows(engine, "SELECT n FROM d.log ORDER BY n")] == expected


def test_a_killed_writer_leaves_the_table_as_it_was(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    load(engine, "d.t", [{"n": 1}])
    folder = tmp_path / "local" / "d" / "t"

    process = start(tmp_path, 0, "slow")
    for _ in range(15_000):
        if len(list(folder.glob("*.parquet"))) > 1:
            break
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=300)

    assert len(list(folder.glob("*.parquet"))) > 1
    assert rows(engine, "SELECT n FROM d.t") == [(1,)]
    load(engine, "d.t", [{"n": 2}])
    assert rows(engine, "SELECT n FROM d.t") == [(2,)]
