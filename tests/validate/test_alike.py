"""Queries that are alike are asked about once, and what is said of one is said of all."""

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.errors import InvalidQuery
from jetstream_argo.sql.text import Sql
from jetstream_argo.validate.analysts import LocalAnalyst, Tables
from jetstream_argo.validate.select_lists import listings
from jetstream_argo.validate.signatures import Memory, SparingAnalyst
from jetstream_argo.warehouse.protocol import DryRun

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


def test_columns_that_do_the_same_are_asked_about_once(sparing: SparingAnalyst, counting: Counting) -> None:
    first = sparing.analyse(sums(A, B, C), TABLES)

    assert types(first) == [("unit", "STRING"), (A, "INT64"), (B, "INT64"), (C, "FLOAT64")]
    (asked,) = counting.asked
    assert B not in asked
    assert types(sparing.analyse(sums(C, B), TABLES)) == [("unit", "STRING"), (C, "FLOAT64"), (B, "INT64")]
    assert len(counting.asked) == 1


@pytest.mark.parametrize(
    "other", [sums(C), sums(A, how="MAX"), sums(A, where=f"v.{A} > 0"), sums(A, where="v.unit IS NULL")]
)
def test_what_is_of_another_type_or_text_is_asked_about(
    other: Sql, sparing: SparingAnalyst, counting: Counting
) -> None:
    sparing.analyse(sums(A), TABLES)

    sparing.analyse(other, TABLES)

    assert len(counting.asked) == 2


def test_a_column_that_does_more_than_another_stays(sparing: SparingAnalyst, counting: Counting) -> None:
    query = sums(A, B, where=f"v.{B} > 0")

    sparing.analyse(query, TABLES)

    assert counting.asked == [query]


def test_a_product_is_not_taken_for_all_columns(sparing: SparingAnalyst, counting: Counting) -> None:
    found = sparing.analyse(Sql(f"SELECT v.{A} * 2 AS {A}, v.{B} * 2 AS {B} FROM `analysis.v` AS v"), TABLES)

    assert types(found) == [(A, "INT64"), (B, "INT64")]
    assert all(B not in sql for sql in counting.asked)


def test_a_mistake_is_told_of_the_whole_query(sparing: SparingAnalyst) -> None:
    query = sums(A, B, D)

    with pytest.raises(InvalidQuery, match="No matching signature for aggregate function SUM") as refused:
        sparing.analyse(query, TABLES)

    line = query[: query.index(f"SUM(d.{D})")].count("\n") + 1
    assert f"[at {line}:" in str(refused.value)


def test_names_that_columns_are_given_do_not_matter(sparing: SparingAnalyst, counting: Counting) -> None:
    for name, column in (("hours", A), ("`rows`", B)):
        found = sparing.analyse(Sql(f"SELECT v.unit, v.{column} AS {name}\nFROM `analysis.v` AS v"), TABLES)
        assert types(found) == [("unit", "STRING"), (name.strip("`"), "INT64")]

    assert len(counting.asked) == 1


def test_dates_matter_only_where_bytes_do(counting: Counting) -> None:
    counting.asked.clear()
    days = [Sql(f"SELECT SUM(n) AS n FROM telemetry.pings WHERE day = DATE '2026-05-0{day}'") for day in (4, 5)]

    for sized, asked in ((False, 1), (True, 3)):
        sparing = SparingAnalyst(counting, PINGS, memory=Memory(), sized=sized)
        for sql in days:
            sparing.analyse(sql, {})
        assert len(counting.asked) == asked


@pytest.mark.parametrize("name", ["telemetry.pings", "`telemetry.pings`", "project.telemetry.`pings`"])
def test_words_that_are_also_a_table_s_name_do_not_make_numbers_matter(
    name: str, sparing: SparingAnalyst, counting: Counting
) -> None:
    for number in (1, 2):
        sparing.analyse(Sql(f"-- pings\nSELECT v.{A} + {number} AS {A} FROM `analysis.v` AS v"), TABLES)
    assert len(counting.asked) == 1

    for number in (1, 2):
        sparing.analyse(Sql(f"SELECT SUM(n + {number}) AS n FROM {name}"), {})
    assert len(counting.asked) == 3


def test_lists_are_those_of_each_select() -> None:
    found = listings(Sql("WITH a AS (SELECT f(x, [1, 2]), ')' FROM t) SELECT b, (SELECT c) FROM a GROUP BY b"))

    assert [(each.clause, each.depth, [item.text.strip() for item in each.items]) for each in found] == [
        ("", 0, [""]),
        ("WITH", 0, ["a AS (2)"]),
        ("", 1, [""]),
        ("SELECT", 1, ["f(x, [1, 2])", "')'"]),
        ("FROM", 1, ["t"]),
        ("SELECT", 0, ["b", "(6)"]),
        ("", 1, [""]),
        ("SELECT", 1, ["c"]),
        ("FROM", 0, ["a"]),
        ("GROUP BY", 0, ["b"]),
    ]
