"""What queries mean on the embedded engine is what ZetaSQL says that they mean."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.random_rows import same_rows

COLUMNS = (
    Column("id", "INT64"),
    Column("n", "INT64"),
    Column("x", "FLOAT64"),
    Column("s", "STRING"),
    Column("b", "BOOL"),
    Column("d", "DATE"),
    Column("d2", "DATE"),
    Column("ts", "TIMESTAMP"),
    Column("ts2", "TIMESTAMP"),
    Column("arr", "ARRAY<INT64>"),
    Column("strs", "ARRAY<STRING>"),
    Column("kv", "ARRAY<STRUCT<key STRING, value INT64>>"),
    Column("j", "STRING"),
    Column("doc", "JSON"),
    Column("st", "STRUCT<a INT64, b STRING>"),
    Column("num", "NUMERIC"),
    Column("hist", "STRING"),
)
_SUNDAY = date(2025, 12, 28)
_NOON = datetime(2026, 1, 4, 12, 30, 59, 500_000, tzinfo=UTC)
_HISTOGRAM = '{"bucket_count":12,"histogram_type":1,"sum":31,"range":[1,9],"values":{"0":3,"2":4,"9":1}}'


def _row(id_: int, **values: Value) -> dict[str, Value]:
    return {"id": id_, **values}


ROWS: list[dict[str, Value]] = [
    _row(
        1, n=7, x=1.5, s="Alpha.one", b=True, d=_SUNDAY, d2=_SUNDAY + timedelta(days=7), ts=_NOON,
        ts2=_NOON + timedelta(minutes=59, seconds=59), arr=[1, 2, 3, 2], strs=["a", "b"],
        kv=[{"key": "k", "value": 5}, {"key": "m", "value": None}], j='{"k": "v", "o": {"p": 1}, "l": [1, "two"]}',
        doc='{"k": "v", "Big": 12}', st={"a": 1, "b": "x"}, num=Decimal("1.25"), hist=_HISTOGRAM,
    ),
    _row(
        2, n=-7, x=-2.5, s="beta_100%", b=False, d=date(2026, 1, 1), d2=date(2025, 2, 28), ts=_NOON,
        ts2=_NOON - timedelta(hours=25), arr=[], strs=[], kv=[], j="{broken", doc='{"k": null}',
        st={"a": None, "b": "y"}, num=Decimal("-0.5"), hist="0,5",
    ),
    _row(3, n=0, x=0.0, s="", b=None, d=date(2024, 2, 29), d2=date(2024, 2, 29), arr=[5], strs=["b", "c", "b"],
         kv=[{"key": "k", "value": 1}, {"key": "k", "value": 2}], j='"text"', doc="[1, 2]", hist="37"),
    _row(4),
    _row(5, n=7, x=2.5, s="123", b=True, d=date(2026, 12, 31), d2=date(2027, 1, 3), arr=[9, 8], strs=["c"],
         kv=[{"key": "z", "value": 3}], j='{"k": 5, "o": true}', st={"a": 9, "b": None}, hist="5;1;9;1,50;0:1,3:2,7:4"),
    _row(6, n=3, x=1e3, s="alpha.two.three", b=False, d=_SUNDAY, ts=_NOON - timedelta(days=40), ts2=_NOON, arr=[2],
         strs=["x"], j="[1, 2]", num=Decimal("3")),
]  # fmt: skip

TABLES = {"d.t": ROWS}


def cases(name: str) -> list[str]:
    """Return the lines of a file of cases."""
    text = (Path(__file__).parent / "dialect" / f"{name}.sql").read_text(encoding="utf-8")
    return [line for line in text.splitlines() if not line.startswith("--")]


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker({"d.t": COLUMNS})


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"))
    engine.load("d.t", ROWS, COLUMNS, write=Write.TRUNCATE, labels={})
    return engine


@pytest.mark.parametrize(
    "query",
    [
        *(f"SELECT {text} FROM `d.t`" for text in cases("aggregates")),
        *(f"SELECT n, {text} FROM `d.t` GROUP BY n" for text in cases("aggregates")),
        *(f"SELECT {text} FROM `d.t` WHERE FALSE" for text in cases("aggregates")),
        *(f"SELECT id, {text} FROM `d.t`" for text in cases("rows")),
        *cases("queries"),
    ],
)
def test_a_query_gives_the_rows_that_zetasql_gives(query: str, engine: EmbeddedEngine, checker: Checker) -> None:
    expected = checker.evaluate(query, TABLES)

    result = engine.query(Sql(query), labels={})

    assert same_rows(expected, result.rows), (
        f"\nzetasql  {sorted(expected, key=repr)}\nembedded {sorted(result.rows, key=repr)}"
    )
    assert [column.type for column in result.columns] == [column.type for column in checker.analyze(query)]


@pytest.mark.parametrize("query", cases("ordered"))
def test_an_order_is_the_order_that_zetasql_gives(query: str, engine: EmbeddedEngine, checker: Checker) -> None:
    expected = checker.evaluate(query, TABLES)

    result = engine.query(Sql(query), labels={})

    assert result.rows == expected
