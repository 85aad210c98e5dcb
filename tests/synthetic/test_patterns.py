"""Conditions of a query become values that rows have together."""

import pytest

from jetstream_argo.dialect.inference.columns import infer_columns
from jetstream_argo.synthetic.patterns import ANY, KEY, filter_patterns, row_patterns


def _found(sql: str) -> list[dict[tuple[str, ...], object]]:
    return [dict(pattern.values) for pattern in filter_patterns(sql, infer_columns(sql))]


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("e.kind = 'a' AND e.name = 'b'", [{("kind",): "a", ("name",): "b"}]),
        ("e.kind = 'a' OR (e.name IN ('b', 'c'))", [{("kind",): "a"}, {("name",): "b"}, {("name",): "c"}]),
        ("e.kind LIKE 'a%' AND day > '2026-01-01'", [{("kind",): "a"}]),
        ("mozfun.map.get_key(e.extra, 'k') = 'v'", [{("extra", KEY, "k"): "v"}]),
        ("JSON_VALUE(e.doc, '$.k') = 'v'", [{("doc", KEY, "k"): "v"}]),
        ("e.info.os = 'Mac'", [{("info", "os"): "Mac"}]),
        ("NOT e.kind = 'a'", [{}]),
        ("e.kind = 'a' AND e.kind = 'b'", []),
    ],
)
def test_a_condition_asks_for_values_in_one_of_several_ways(
    condition: str, values: list[dict[tuple[str, ...], object]]
) -> None:
    assert _found(f"SELECT e.id FROM app.events AS e WHERE {condition}") == values


def test_elements_of_an_array_are_told_by_their_place_in_the_row() -> None:
    sql = "SELECT p.id FROM app.pings AS p, UNNEST(p.events) AS event WHERE event.name = 'enroll'"

    assert _found(sql) == [{("events", ANY, "name"): "enroll"}]


def test_conditions_of_nested_queries_and_of_with_add_up_where_they_agree() -> None:
    sql = """
        WITH some AS (SELECT * FROM app.events WHERE kind = 'a')
        SELECT id FROM (SELECT * FROM some WHERE name IN ('b', 'c')) WHERE name = 'c'
    """

    assert _found(sql) == [{("kind",): "a", ("name",): "c"}]


def test_conditions_inside_expressions_are_patterns_of_rows_and_not_of_the_filter() -> None:
    sql = "SELECT COUNTIF(ds.name = 'b') FROM app.events AS ds WHERE ds.kind = 'a'"

    patterns = [dict(pattern.values) for pattern in row_patterns(sql, infer_columns(sql))]

    assert _found(sql) == [{("kind",): "a"}]
    assert patterns == [{("kind",): "a"}, {("kind",): "a", ("name",): "b"}]
