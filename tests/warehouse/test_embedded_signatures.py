"""What the embedded engine makes of arguments: of their types, their number, their options and their domain."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.errors import EngineError, InvalidQuery, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.random_rows import same

COLUMNS = [
    Column("ts", "TIMESTAMP"),
    Column("s", "STRING"),
    Column("x", "INT64"),
    Column("f", "FLOAT64"),
    Column("zero", "FLOAT64"),
    Column("n", "NUMERIC"),
    Column("d", "DATE"),
    Column("st", "STRUCT<a INT64>"),
]
ROW: dict[str, Value] = {
    "ts": datetime(2026, 5, 4, 18, 0, 0, 999_000, tzinfo=UTC),
    "s": "a,b,c",
    "x": -7,
    "f": math.nan,
    "zero": 0.0,
    "n": Decimal("2.5"),
    "d": date(2026, 5, 4),
    "st": {"a": 1},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"))
    engine.load("d.t", [ROW], COLUMNS, write=Write.TRUNCATE, labels={})
    return engine


def value(engine: EmbeddedEngine, expression: str) -> object:
    return engine.query(Sql(f"SELECT {expression} AS v FROM d.t"), labels={}).rows[0][0]


# Each value is what ZetaSQL's evaluation gives.
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # an argument that was dropped
        ("FORMAT_TIMESTAMP('%H', ts, 'Asia/Tokyo')", "03"),
        ("PARSE_TIMESTAMP('%Y-%m-%d %H', '2026-05-04 09', 'Asia/Tokyo')", datetime(2026, 5, 4, tzinfo=UTC)),
        ("TIMESTAMP_TRUNC(ts, DAY, 'Asia/Tokyo')", datetime(2026, 5, 4, 15, tzinfo=UTC)),
        ("DATE_TRUNC(ts, DAY, 'Asia/Tokyo')", datetime(2026, 5, 4, 15, tzinfo=UTC)),
        ("INSTR(s, ',', 3)", 4),
        ("INSTR(s, ',', -1)", 4),
        ("INSTR(s, ',', 1, 2)", 4),
        ("REGEXP_EXTRACT(s, r'[a-c]', 1, 2)", "b"),
        # a type that was ignored
        ("DATE_TRUNC(ts, DAY)", datetime(2026, 5, 4, tzinfo=UTC)),
        ("DATE_ADD(ts, INTERVAL 1 HOUR)", datetime(2026, 5, 4, 19, 0, 0, 999_000, tzinfo=UTC)),
        ("DATE_DIFF(ts, TIMESTAMP '2026-05-03 18:00:01', DAY)", 0),
        ("n / 3", Decimal("0.833333333")),
        ("(SELECT AVG(v) FROM UNNEST([NUMERIC '1', 2, 2]) AS v)", Decimal("1.666666667")),
        ("UNIX_MILLIS(TIMESTAMP '1969-12-31 23:59:59.999900')", -1),
        # NaN
        ("f = f", False),
        ("f > 1", False),
        ("f != f", True),
        ("(SELECT MIN(v) FROM UNNEST([1, CAST('nan' AS FLOAT64)]) AS v)", math.nan),
        ("LEAST(f, 1)", math.nan),
        ("SIGN(f)", math.nan),
        ("ARRAY(SELECT v FROM UNNEST([1, CAST('nan' AS FLOAT64)]) AS v ORDER BY v)[OFFSET(1)]", 1.0),
        # a domain
        ("SAFE.LN(zero)", None),
        ("SAFE.SQRT(x)", None),
        ("SAFE.POW(zero, -1)", None),
        ("x >> 1", 2**63 - 4),
        ("1 << 63", -(2**63)),
        # casts, and formats
        ("SAFE_CAST('yes' AS BOOL)", None),
        ("SAFE_CAST('2026-13-04' AS DATE)", None),
        ("FORMAT_TIMESTAMP('%Z', ts)", "UTC"),
        ("FORMAT_DATE('%e.%g', d)", " 4.26"),
        ("FORMAT_TIMESTAMP('%E3S', ts)", "00.999"),
        # what was refused
        ("EXTRACT(WEEK(MONDAY) FROM d)", 18),
        ("EXTRACT(MILLISECOND FROM ts)", 999),
        ("DATETIME_TRUNC(DATETIME(ts, 'Europe/Berlin'), WEEK(MONDAY))", datetime(2026, 5, 4)),  # noqa: DTZ001
        ("TIMESTAMP('2026-10-25 02:30:00', 'Europe/Berlin')", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("TIMESTAMP '2026-05-05 00:00:00 Europe/Berlin'", datetime(2026, 5, 4, 22, tzinfo=UTC)),
        ("LAST_DAY(d, ISOWEEK)", date(2026, 5, 10)),
        ("s LIKE ANY ('z%', '%c')", True),
        # numbers of JSON as they are written, and what is not well-formed
        ("""JSON_VALUE('{"a": 1.50, "b": [2.5, -0]}', '$.a')""", "1.50"),
        ("""JSON_QUERY('{"a": [1.0, {"b": 2e3}], "c": "2026-05-04"}', '$.a')""", '[1.0,{"b":2e3}]'),
        ("""JSON_VALUE_ARRAY('["1.50", 2.50]')""", ["1.50", "2.50"]),
        ("""JSON_VALUE_ARRAY('["a", {"b": 1}]')""", None),
        ("JSON_VALUE('{broken', '$.a')", None),
        # rows
        ("(x, s) = (-7, 'a,b,c')", True),
        ("(x, s) != (-7, NULL)", None),
        ("(x, s) = (1, NULL)", False),
        ("(x, s) IN ((1, 'a,b,c'), (-7, s))", True),
        ("STRUCT(x AS a, s) = (-7, 'b')", False),
        ("f IS DISTINCT FROM f", False),
        # NULL where an array may stand, and the largest place
        ("ARRAY_LENGTH(NULL)", None),
        ("[1][SAFE_OFFSET(9223372036854775807)]", None),
        # what was refused, once more
        ("d + INTERVAL 1 MONTH", datetime(2026, 6, 4)),  # noqa: DTZ001
        ("EXTRACT(HOUR FROM ts AT TIME ZONE '+05:30')", 23),
        ("DATE(ts, 'US/Pacific')", date(2026, 5, 4)),
        ("FORMAT_TIMESTAMP('%Y %z', ts, 'Asia/Kolkata')", "2026 +0530"),
        ("EXTRACT(TIME FROM TIMESTAMP '2026-05-04 18:00:01')", time(18, 0, 1)),
        ("TIMESTAMP('2026-05-05 10:00:00+02')", datetime(2026, 5, 5, 8, tzinfo=UTC)),
        ("TO_JSON_STRING(STRUCT(x AS a, [s] AS b))", '{"a":-7,"b":["a,b,c"]}'),
        ("REGEXP_REPLACE(s, 'a', '\\\\\\\\')", "\\,b,c"),
        ("REGEXP_CONTAINS(s, r'[[:alpha:]]')", True),
    ],
)
def test_a_call_means_what_it_means_to_bigquery(expression: str, expected: object, engine: EmbeddedEngine) -> None:
    found = value(engine, expression)

    assert same(found, expected), found


@pytest.mark.parametrize(
    "expression",
    ["LN(zero)", "LOG10(zero)", "SQRT(x)", "POW(zero, -1)", "EXP(1000)", "1e308 * (10 + zero)", "CAST(s AS DATE)",
     """JSON_VALUE('{"a": 1, ', '$.a')""", "s LIKE NULL", "ARRAY_CONCAT([1], NULL)", "(x, s) = (1, 2, 3)",
     "1 << x", "SUM(1e308 + zero) * 10", "DATE_ADD(d, INTERVAL 9000 YEAR)", "CAST('yes' AS BOOL)"],
)  # fmt: skip
def test_what_fails_in_bigquery_fails_here_too(expression: str, engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidQuery):
        value(engine, expression)


@pytest.mark.parametrize("expression", ["s = 5", "d = s", "x = '5'", "ts > d", "IF(x, 1, 2)", "SUM(s)", "LENGTH(x)"])
def test_types_that_do_not_go_together_are_refused(expression: str, engine: EmbeddedEngine) -> None:
    with pytest.raises(EngineError):
        value(engine, expression)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("FORMAT_TIMESTAMP('%k', ts)", "format element %k"),
        ("TIMESTAMP_TRUNC(ts, DAY, s)", r"TIMESTAMP_TRUNC\(TIMESTAMP, DAY, STRING\).*line 1"),
        ("FORMAT_DATE(s, d)", r"FORMAT_DATE\(STRING, DATE\)"),
        ("st IN (st)", r"STRUCT<a INT64> IN"),
        ("CAST(ts AS STRING FORMAT 'YYYY')", "CAST with FORMAT"),
        ("DATETIME(ts, 'PST')", r"DATETIME\(TIMESTAMP, 'PST'\)"),
        ("TIMESTAMP_DIFF(ts, ts, MONTH)", r"TIMESTAMP_DIFF\(TIMESTAMP, TIMESTAMP, MONTH\)"),
        ("[1] = [1]", "ARRAY<INT64> = ARRAY<INT64>"),
        ("NUMERIC '1.12345678901'", "NUMERIC with more than 9 digits"),
        ("SUM(x HAVING MAX f)", "^SUM with HAVING"),
        ("ROUND(n, 0, 'ROUND_HALF_EVEN')", r"ROUND\(NUMERIC, INT64, 'ROUND_HALF_EVEN'\)"),
    ],
)
def test_a_signature_that_is_not_in_the_list_is_refused_by_name(
    expression: str, message: str, engine: EmbeddedEngine
) -> None:
    with pytest.raises(Unsupported, match=message):
        value(engine, expression)


def test_types_are_known_through_the_whole_query(engine: EmbeddedEngine) -> None:
    query = """
        WITH named AS (SELECT STRUCT(ts AS moment, [n] AS numbers) AS held FROM d.t),
        spread AS (SELECT held.moment, number FROM named, UNNEST(held.numbers) AS number)
        SELECT DATE_TRUNC(moment, DAY, 'Asia/Tokyo') AS day, number / 3 AS third
        FROM (SELECT * FROM spread UNION ALL SELECT * EXCEPT (number), number FROM spread)
    """

    rows = engine.query(Sql(query), labels={}).rows

    assert set(rows) == {(datetime(2026, 5, 4, 15, tzinfo=UTC), Decimal("0.833333333"))}


def test_a_translation_does_not_outlive_the_types_of_its_tables(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    query = Sql("SELECT v / 4 AS q FROM d.v")
    engine.load("d.v", [{"v": 1}], [Column("v", "INT64")], write=Write.TRUNCATE, labels={})
    assert engine.query(query, labels={}).rows == ((0.25,),)

    engine.load("d.v", [{"v": Decimal(1)}], [Column("v", "NUMERIC")], write=Write.TRUNCATE, labels={})

    assert engine.query(query, labels={}).rows == ((Decimal("0.250000000"),),)
