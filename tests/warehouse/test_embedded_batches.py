"""A statement is given the files of the rows that it names: what lies beside changes neither plan nor bytes."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.session import Session
from jetstream_argo.warehouse.duckdb.spill import SpillFolder
from jetstream_argo.warehouse.duckdb.store import Store
from jetstream_argo.warehouse.types import Layout, Write

MAY_1 = date(2026, 5, 1)
LAYOUT = Layout("day", ("id",))
BOTH = "SELECT batch AS b, f FROM d.t UNION ALL SELECT batch, f FROM d.t"
WITHIN = "BETWEEN DATE '2026-05-02' AND DATE '2026-05-04'"


def columns(batch: str) -> list[Column]:
    return [Column("batch", batch), Column("id", "STRING"), Column("day", "DATE"), Column("f", "FLOAT64")]


def write(
    engine: EmbeddedEngine, batch: Value, days: Sequence[date | None], *, units: int = 3, table: str = "d.t"
) -> None:
    rows: list[dict[str, Value]] = [
        {"batch": batch, "id": f"u{unit}", "day": day, "f": 0.1 * (unit + 1)} for day in days for unit in range(units)
    ]
    type_ = "INT64" if isinstance(batch, int) else "STRING"
    engine.load(table, rows, columns(type_), write=Write.APPEND, labels={}, layout=LAYOUT)


def rows(engine: EmbeddedEngine, sql: str) -> list[tuple[Value, ...]]:
    return list(engine.query(Sql(sql), labels={}).rows)


def session(root: Path) -> Session:
    store = Store(root, "local", clock=lambda: 0.0, nonce=lambda: "")
    return Session(store, "local", load_registry(None), {}, SpillFolder(root, uuid4().hex), timeout_seconds=60.0)


def files(root: Path, sql: str) -> int:
    return sum(len(given.files) for given in session(root).given(sql) if given.name.table == "t")


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    """Three batches of two dates each: 1 and 2, 2 and 3, 3 and none."""
    made = EmbeddedEngine(tmp_path)
    for batch, days in ((11, (0, 1)), (-12, (1, 2)), (13, (2, None))):
        write(made, batch, [None if day is None else MAY_1 + timedelta(days=day) for day in days])
    made.create_view("d.v", Sql("SELECT t.batch AS b, t.* EXCEPT (batch) FROM d.t AS t"), labels={})
    write(made, 21, [MAY_1], table="d.u")
    return made


@pytest.mark.parametrize(
    ("count", "sql"),
    [
        (6, "SELECT f FROM d.t"),
        (2, "SELECT f FROM d.t WHERE batch = 11"),
        (2, "SELECT f FROM d.t WHERE -12 = batch"),
        (4, "SELECT f FROM d.t AS p WHERE p.batch IN (11, -12)"),
        (1, "SELECT f FROM d.t AS p WHERE p.batch IN (11, 13) AND (p.day = DATE '2026-05-01' AND p.f > 0)"),
        (1, "SELECT f FROM d.t WHERE batch = 13 AND day IS NULL AND id IS NOT NULL"),
        (2, "SELECT f FROM d.t WHERE day >= '2026-05-03' AND day < '2026-06-01'"),
        (1, "SELECT f FROM d.t WHERE '2026-05-01' >= day"),
        (6, "SELECT f FROM d.t WHERE day > '2026-05-01' AND DATE '2026-05-03' > day OR f < 0"),
        (2, "SELECT f FROM d.t WHERE day > '2026-05-01' AND DATE '2026-05-03' > day"),
        (2, "SELECT f FROM d.t WHERE batch < 11"),
        (0, "SELECT f FROM d.t WHERE batch = 99"),
        (6, "SELECT f FROM d.t WHERE batch = 11 OR batch = 13 OR f > 0"),
        (6, "SELECT f FROM d.t WHERE batch + 0 = 11"),
        (4, "SELECT f FROM d.t WHERE batch = 11 UNION ALL SELECT f FROM d.t WHERE batch = 13"),
        (2, "SELECT s.f FROM (SELECT batch, f FROM d.t) AS s WHERE s.batch = 11"),
        (2, f"SELECT s.f FROM ({BOTH}) AS s WHERE s.b = 11"),
        (6, f"SELECT s.f FROM ({BOTH}) AS s WHERE s.b = 11 OR s.f > 0"),
        (2, "WITH s AS (SELECT * FROM d.t) SELECT f FROM s WHERE batch = 11"),
        (2, "SELECT v.f FROM d.v AS v WHERE v.b = 11"),
        (2, "SELECT g.n FROM (SELECT batch, COUNT(*) AS n FROM d.t GROUP BY batch) AS g WHERE g.batch = 11"),
        (2, "SELECT COUNT(f) FROM `d.t*` WHERE batch = 11"),
        (2, "SELECT u.f FROM d.u AS u LEFT JOIN d.t AS t ON t.id = u.id AND t.batch = 11"),
        (2, "SELECT u.f FROM d.u AS u JOIN d.t AS t USING (id) WHERE t.batch = 11"),
        (1, "SELECT f FROM d.u AS u WHERE EXISTS (SELECT 1 FROM d.t AS t WHERE t.id = u.id AND t.day < '2026-05-02')"),
    ],
)  # fmt: skip
def test_only_files_with_rows_of_the_constants_named_are_given(
    engine: EmbeddedEngine, tmp_path: Path, count: int, sql: str
) -> None:
    assert files(tmp_path, sql) == count
    rows(engine, sql)


@pytest.mark.parametrize(
    ("expected", "sql"),
    [
        ([(0,)], "SELECT COUNT(*) FROM d.t WHERE batch = 99"),
        ([(6, 6)], "SELECT COUNTIF(batch = 11), COUNTIF(batch = 13) FROM d.t WHERE batch IN (11, 13)"),
        # Rows that a limit, a window or an outer join looks at are not left out before it.
        ([(1,)], "SELECT COUNT(*) FROM (SELECT * FROM d.t ORDER BY batch LIMIT 1) AS s WHERE s.batch = -12"),
        ([(18,)], "SELECT MAX(n) FROM (SELECT batch, COUNT(*) OVER () AS n FROM d.t) AS s WHERE s.batch = 11"),
        ([(0,)], "SELECT COUNT(*) FROM d.u AS u LEFT JOIN d.t AS t USING (id) WHERE t.batch IS NULL"),
        ([(3,)], "SELECT COUNT(*) FROM d.u AS u LEFT JOIN d.t AS t ON t.id = u.id AND u.batch = 99 WHERE u.batch = 21"),
        ([(18,)], "SELECT COUNT(*) FROM d.t AS t LEFT JOIN d.u AS u ON u.id = t.id AND t.batch = 11"),
        ([(18,)], "SELECT COUNT(*) FROM d.t AS t FULL JOIN d.u AS u ON u.id = t.id AND t.batch = 11 AND u.batch = 21"),
        ([(6, 18)], "WITH s AS (SELECT * FROM d.t) SELECT (SELECT COUNT(*) FROM s WHERE batch = 11), COUNT(*) FROM s"),
        ([(6,)], "SELECT COUNT(*) FROM (SELECT 11 AS batch, id FROM d.t WHERE batch = 13) AS s WHERE s.batch = 11"),
        ([(0,)], "SELECT COUNT(*) FROM (SELECT * EXCEPT (batch), -batch AS batch FROM d.t) AS s WHERE s.batch = 11"),
        ([(6,)], "SELECT COUNT(*) FROM (SELECT * REPLACE (-batch AS batch) FROM d.t) AS s WHERE s.batch = 12"),
        ([(6,)], "SELECT COUNT(*) FROM d.t WHERE day BETWEEN '2026-5-1' AND '2026-5-2' AND batch = 11"),
    ],
)  # fmt: skip
def test_rows_are_those_that_the_query_means(
    engine: EmbeddedEngine, expected: list[tuple[Value, ...]], sql: str
) -> None:
    assert rows(engine, sql) == expected


def test_two_references_to_a_table_have_files_of_their_own(engine: EmbeddedEngine, tmp_path: Path) -> None:
    both = "d.t AS a JOIN d.t AS b ON a.id = b.id AND a.day = b.day"
    sql = f"SELECT a.batch, b.batch AS other FROM {both} WHERE a.batch = 11 AND b.batch = -12"

    assert set(rows(engine, sql)) == {(11, -12)}
    assert files(tmp_path, sql) == 4


def test_batches_that_are_texts_are_told_apart_too(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    for batch in ("a-1", "b-1", "it's"):
        write(engine, batch, [MAY_1])

    assert files(tmp_path, "SELECT f FROM d.t WHERE batch IN ('a-1', 'x')") == 1
    assert rows(engine, "SELECT COUNT(*) FROM d.t WHERE batch = 'it\\'s'") == [(3,)]


def test_batches_are_never_merged_into_a_file(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)

    for number in range(70):
        write(engine, number // 35, [MAY_1], units=1)

    assert files(tmp_path, "SELECT f FROM d.t") == 6
    assert files(tmp_path, "SELECT f FROM d.t WHERE batch = 0") == files(tmp_path, "SELECT f FROM d.t WHERE batch = 1")
    assert rows(engine, "SELECT COUNT(*) FROM d.t WHERE batch = 1") == [(35,)]


STATEMENTS = [
    f"""
SELECT t.id, SUM(t.f * u.f) AS s
FROM d.t AS t
JOIN d.u AS u ON u.id = t.id
WHERE t.batch IN (1, 2) AND u.batch = 1 AND t.day {WITHIN}
GROUP BY t.id ORDER BY t.id
""",
    f"""
WITH days AS (
  SELECT p.id, p.f FROM d.t AS p WHERE p.day {WITHIN} AND p.batch IN (1)
  UNION ALL
  SELECT p.id, p.f FROM d.t AS p WHERE p.day {WITHIN} AND p.batch IN (2)
)
SELECT e.id, SUM(d.f) AS s, SUM(q.f) AS q
FROM (SELECT * FROM d.u WHERE batch = 1) AS e
LEFT JOIN days AS d ON d.id = e.id
LEFT JOIN (SELECT p.id, p.f FROM d.t AS p WHERE p.day IS NULL AND p.batch = 2) AS q ON q.id = e.id
GROUP BY e.id ORDER BY e.id
""",
    f"""
SELECT e.id, SUM(ds.f) AS s
FROM d.e AS e
LEFT JOIN d.t AS ds ON ds.id = e.id AND ds.day {WITHIN} AND ds.batch = 1
GROUP BY e.id ORDER BY e.id
""",
    f"""
SELECT a.id, SUM(a.f - b.f) AS s
FROM d.v AS a
JOIN d.v AS b ON b.id = a.id
WHERE a.batch = 1 AND b.batch = 2 AND b.day {WITHIN}
GROUP BY a.id ORDER BY a.id
""",
]


def planned(root: Path, sql: str) -> str:
    planning = session(root)
    return str(planning.run(f"EXPLAIN {planning.prepare(sql).sql}", sql).fetchall()[0][1])


def world(root: Path, extras: Sequence[tuple[bool, int, int, int]]) -> EmbeddedEngine:
    """Make the tables; extras are written before or after what counts, as (before, batch, first day, units)."""
    engine = EmbeddedEngine(root)

    def write_extras(*, before: bool) -> None:
        for at, batch, first, units in extras:
            if at is before:
                for table in ("d.t", "d.u"):
                    write(engine, batch, [MAY_1 + timedelta(days=first), None], units=units, table=table)

    engine.load("d.t", [], columns("INT64"), write=Write.EMPTY, labels={}, layout=LAYOUT)
    write_extras(before=True)
    for batch in (1, 2):
        write(engine, batch, [MAY_1 + timedelta(days=day) for day in range(1, 5)] + [None], units=40)
        write(engine, batch, [MAY_1], units=25, table="d.u")
    write_extras(before=False)
    engine.query_to_table(Sql("SELECT id FROM d.u WHERE batch = 1"), "d.e", write=Write.EMPTY, labels={})
    engine.create_view("d.v", Sql("SELECT * FROM (SELECT t.* FROM d.t AS t)"), labels={})
    return engine


EXTRAS = st.lists(
    st.tuples(st.booleans(), st.integers(3, 9), st.integers(0, 9), st.integers(1, 300)), min_size=1, max_size=4
)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(extras=EXTRAS)
def test_rows_that_do_not_count_change_neither_plan_nor_bytes(extras: list[tuple[bool, int, int, int]]) -> None:
    with TemporaryDirectory() as alone, TemporaryDirectory() as beside:
        first, second = world(Path(alone), []), world(Path(beside), extras)

        for sql in STATEMENTS:
            assert planned(Path(beside), sql) == planned(Path(alone), sql)
            assert rows(second, sql) == rows(first, sql)


def test_a_batch_with_columns_of_its_own_changes_no_bytes_of_others(tmp_path: Path) -> None:
    first, second = world(tmp_path / "alone", []), world(tmp_path / "beside", [])
    for table in ("d.t", "d.u"):
        more = Sql(
            "SELECT 3 AS batch, DATE '2026-05-03' AS day, x AS column_3 FROM UNNEST(GENERATE_ARRAY(1, 999)) AS x"
        )
        second.query_to_table(more, table, write=Write.APPEND, labels={})

    for sql in STATEMENTS:
        assert rows(second, sql) == rows(first, sql)
