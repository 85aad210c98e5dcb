"""Which tables of a source are read by dates of their own."""

import pytest

from jetstream_argo.dialect.own_dates import own_dates

LATEST = "DATE(submission_timestamp) >= DATE_SUB(CURRENT_DATE(), INTERVAL 90 DAY)"


def tables(text: str, date_column: str = "submission_date") -> list[str]:
    return [own.table for own in own_dates(text, date_column)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # A subquery that is joined: the filter of the source's dates does not reach it.
        (
            (
                f"(WITH ids AS (SELECT id, ANY_VALUE(other) AS other FROM a.ids WHERE {LATEST} GROUP BY id) "
                "SELECT p.*, DATE(p.at) AS submission_date FROM a.rows AS p JOIN ids USING (id))"
            ),
            ["a.ids"],
        ),
        # A window without an end, and a window with both ends.
        ("(SELECT m.* FROM a.m AS m JOIN a.c AS c ON c.id = m.id WHERE c.day >= '2026-01-01')", ["a.c"]),
        (
            "(SELECT m.* FROM a.m AS m JOIN a.c AS c USING (id) WHERE c.day BETWEEN '2026-01-01' AND '2026-02-01')",
            ["a.c"],
        ),
        # A subquery in a condition, of a wildcard's tables.
        (
            "(SELECT * FROM a.m WHERE id IN (SELECT id FROM `a.events_*` WHERE _TABLE_SUFFIX >= '20260101'))",
            ["a.events_*"],
        ),
        # The dates of the source are made by an aggregate, or its rows are numbered across dates.
        ("(SELECT id, MIN(day) AS submission_date FROM a.m WHERE day > '2026-01-01' GROUP BY id)", ["a.m"]),
        (
            (
                "(SELECT id, day AS submission_date FROM a.m WHERE day > CURRENT_DATE() - 90 "
                "QUALIFY ROW_NUMBER() OVER (PARTITION BY id ORDER BY day) = 1)"
            ),
            ["a.m"],
        ),
        # Columns that do not say what they are of, beside values of an array and a query without the column.
        (
            (
                "(SELECT id, MIN(DATE(at)) AS submission_date FROM a.m CROSS JOIN UNNEST(events) AS event "
                "JOIN (SELECT id FROM a.n) USING (id) WHERE DATE(at) >= '2026-01-01' GROUP BY id)"
            ),
            ["a.m"],
        ),
        # A relation that is filtered after it was named.
        (
            "(WITH c AS (SELECT * FROM a.c) SELECT m.* FROM a.m AS m JOIN c ON c.id = m.id WHERE c.day > '2026-01-01')",
            ["a.c"],
        ),
    ],
)
def test_a_table_that_a_filter_by_date_does_not_narrow_is_named(text: str, found: list[str]) -> None:
    assert tables(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "a.m",
        "(SELECT *, DATE(at) AS submission_date FROM a.m WHERE DATE(at) >= '2023-01-01')",
        "(SELECT DATE(at) AS submission_date, id, COUNT(*) AS n FROM a.m WHERE DATE(at) > '2023-01-01' GROUP BY 1, 2)",
        "(SELECT * FROM (SELECT * FROM a.m WHERE submission_date > '2023-01-01') WHERE kind = '2023-01-01')",
        (
            "(SELECT submission_date FROM a.m WHERE submission_date > '2023-01-01' "
            "UNION ALL SELECT DATE(at) FROM a.n WHERE DATE(at) > '2023-01-01')"
        ),
        (
            "(SELECT submission_date, id FROM a.m WHERE submission_date > '2023-01-01' "
            "QUALIFY ROW_NUMBER() OVER (PARTITION BY submission_date, id ORDER BY x) = 1)"
        ),
        # A value, and no filter; a table that is joined for what it says, without dates.
        "(SELECT m.*, IF(c.day > '2026-01-01', 1, 0) AS late FROM a.m AS m JOIN a.c AS c ON c.id = m.id)",
        "(SELECT m.* FROM a.m AS m, UNNEST(m.events) AS event WHERE m.submission_date > '2026-01-01' AND event.n > 3)",
        "(no SQL",
    ],
)
def test_what_a_filter_by_date_narrows_is_not_named(text: str) -> None:
    assert tables(text) == []


def test_a_condition_says_whether_it_follows_the_clock() -> None:
    (own,) = own_dates(f"(SELECT m.* FROM a.m AS m JOIN (SELECT id FROM a.c WHERE {LATEST}) USING (id))", "day")

    assert own.by_clock
    assert "CURRENT_DATE" in own.condition
