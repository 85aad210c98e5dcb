"""Statements of one signature are asked about once, and what is said of one is said of all."""

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate.analysts import LocalAnalyst, Tables
from jetstream_argo.validate.signatures import Memory, SparingAnalyst
from jetstream_argo.warehouse.types import DryRun

A, B, C, D = (f"m_{letter * 16}" for letter in "abcd")
TABLES = {
    "analysis.v": (
        Column("unit", "STRING"),
        Column(A, "INT64"),
        Column(B, "INT64"),
        Column(C, "FLOAT64"),
        Column(D, "STRING"),
    )
}
COLUMNS = (Column("day", "DATE"), Column("n", "INT64"))
PINGS = {"telemetry.pings": COLUMNS, "project.telemetry.pings": COLUMNS}


class Counting:
    """ZetaSQL, and the queries that it was asked about."""

    def __init__(self, telemetry: Tables) -> None:
        self._inner = LocalAnalyst(telemetry, start())
        self.asked: list[Sql] = []

    def analyse(self, sql: Sql, tables: Tables) -> DryRun:
        self.asked.append(sql)
        return self._inner.analyse(sql, tables)


@pytest.fixture(scope="module")
def counting() -> Counting:
    return Counting(PINGS)


@pytest.fixture
def sparing(counting: Counting) -> SparingAnalyst:
    counting.asked.clear()
    return SparingAnalyst(counting, PINGS, memory=Memory())


def sums(*columns: str, where: str = "TRUE", how: str = "SUM") -> Sql:
    """A query with a sum of each column."""
    inner = ", ".join(f"v.{column}" for column in columns)
    outer = ",\n  ".join(f"{how}(d.{column}) AS {column}" for column in columns)
    text = f"WITH days AS (\n  SELECT v.unit, {inner}\n  FROM `analysis.v` AS v\n  WHERE {where}\n)\n"
    return Sql(f"{text}SELECT\n  d.unit,\n  {outer}\nFROM days AS d\nGROUP BY d.unit")


def types(found: DryRun) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in found.columns]


def test_columns_of_the_same_types_are_asked_about_once(sparing: SparingAnalyst, counting: Counting) -> None:
    first = sparing.analyse(sums(A, C), TABLES)

    second = sparing.analyse(sums(B, C), TABLES)

    assert types(first) == [("unit", "STRING"), (A, "INT64"), (C, "FLOAT64")]
    assert types(second) == [("unit", "STRING"), (B, "INT64"), (C, "FLOAT64")]
    assert counting.asked == [sums(A, C)]


def test_a_column_that_is_named_twice_is_not_two_columns(sparing: SparingAnalyst, counting: Counting) -> None:
    sparing.analyse(sums(A, where=f"v.{A} > 0"), TABLES)

    sparing.analyse(sums(A, where=f"v.{B} > 0"), TABLES)

    assert len(counting.asked) == 2


@pytest.mark.parametrize(
    "other", [sums(C), sums(A, how="MAX"), sums(A, where=f"v.{A} > 0"), sums(A, where="v.unit IS NULL")]
)
def test_what_is_of_another_type_or_text_is_asked_about(
    other: Sql, sparing: SparingAnalyst, counting: Counting
) -> None:
    sparing.analyse(sums(A), TABLES)

    sparing.analyse(other, TABLES)

    assert len(counting.asked) == 2


def test_a_mistake_is_told_of_the_whole_query(sparing: SparingAnalyst) -> None:
    query = sums(A, B, D)

    with pytest.raises(InvalidQuery, match="No matching signature for aggregate function SUM") as refused:
        sparing.analyse(query, TABLES)

    line = query[: query.index(f"SUM(d.{D})")].count("\n") + 1
    assert f"[at {line}:" in str(refused.value)


def test_dates_matter_only_where_bytes_do(counting: Counting) -> None:
    counting.asked.clear()
    days = [Sql(f"SELECT SUM(n) AS n FROM telemetry.pings WHERE day = DATE '2026-05-0{day}'") for day in (4, 5)]

    for sized, asked in ((False, 1), (True, 3)):
        sparing = SparingAnalyst(counting, PINGS, memory=Memory(), sized=sized)
        for sql in days:
            sparing.analyse(sql, {})
        assert len(counting.asked) == asked


def test_tables_batches_and_the_slug_do_not_matter(counting: Counting) -> None:
    counting.asked.clear()
    sparing = SparingAnalyst(counting, PINGS, memory=Memory(), slug="try-it")
    other = {"analysis.w": TABLES["analysis.v"]}

    for name, tables, batch in (("v", TABLES, 20260504123456), ("w", other, 20260505123456)):
        where = f"v.unit = 'try-it' AND v.{A} = {batch}"
        sparing.analyse(Sql(f"SELECT v.{A} FROM `analysis.{name}` AS v WHERE {where}"), tables)

    assert len(counting.asked) == 1


@pytest.mark.parametrize("name", ["telemetry.pings", "`telemetry.pings`", "project.telemetry.`pings`"])
def test_the_types_of_telemetry_matter_however_its_table_is_written(name: str, counting: Counting) -> None:
    memory = Memory()
    counting.asked.clear()
    texts = (Column("day", "DATE"), Column("n", "STRING"))
    for columns in (COLUMNS, texts):
        telemetry = {"telemetry.pings": columns, "project.telemetry.pings": columns}
        SparingAnalyst(counting, telemetry, memory=memory).analyse(Sql(f"SELECT MAX(n) AS n FROM {name}"), {})

    assert len(counting.asked) == 2
