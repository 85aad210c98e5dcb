"""Values chosen to hurt, by type, and options for arguments that are constants."""

# ruff: noqa: E501  # a table of values reads better in long lines

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from math import inf, nan

from jetstream_argo.dialect.types import Value
from jetstream_argo.warehouse.duckdb.signatures.formats import (
    DATE_ELEMENTS,
    PARSED_DATES,
    PARSED_TIMES,
    TIME_ELEMENTS,
    ZONE_ELEMENTS,
)
from jetstream_argo.warehouse.duckdb.signatures.model import WEEKDAYS

_MOMENTS = (
    (2026, 5, 4, 23, 30, 0, 999_999), (2024, 2, 29, 12, 0, 0, 0), (2026, 3, 29, 2, 30, 0, 0), (2026, 10, 25, 2, 30, 0, 0),
    (2026, 10, 25, 0, 30, 0, 1), (1970, 1, 1, 0, 0, 0, 0), (1969, 12, 31, 23, 59, 58, 500_100), (2025, 12, 28, 0, 0, 0, 0),
    (2027, 1, 3, 18, 45, 30, 120_000), (1, 1, 1, 0, 0, 0, 0), (9999, 12, 31, 23, 59, 59, 999_999),
)  # fmt: skip
_LARGEST, _SMALLEST = 2**63 - 1, -(2**63)
_NUMERIC = Decimal("99999999999999999999999999999.999999999")
VALUES: Mapping[str, Sequence[Value]] = {
    "INT64": (0, 1, -1, 2, None, 5, -7, 3, _LARGEST, _SMALLEST, 63, 64, 2**53 + 1),
    "FLOAT64": (1.5, 0.0, None, -2.5, nan, inf, -inf, 1e308, -0.0, 2.675, 1e-300, 123456789.125, 1e15, 1e20, 0.1),
    "NUMERIC": (Decimal("2.5"), Decimal(0), None, Decimal("-2.5"), Decimal("0.123456789"), Decimal(3), _NUMERIC, Decimal("-99999999999999999999999999999.999999999"),
                Decimal("-0.000000001"), Decimal("1234567.999999999"), Decimal("98765432109876543210.5")),
    "BOOL": (True, False, None),
    "STRING": ("a,b,c", "", None, "  pad\t", "Ähm,abcabc", "12", "-0x1F", "日本語 äß", "1e3", "2026-05-04", "true", "a\nb%_\\",
               "{\"a\": 1}", "inf", "2026-13-40 25:00:00", " 1.5 "),
    "BYTES": (b"abc", b"", None, b"\x00\xff", "ä".encode()),
    "DATE": (date(2026, 5, 4), date(2024, 2, 29), None, date(1970, 1, 1), date(1969, 12, 31), date(2025, 12, 28),
             date(2027, 1, 3), date(2024, 12, 30), date(1, 1, 1), date(9999, 12, 31), date(2026, 1, 31)),
    "TIMESTAMP": (*(datetime(*parts, tzinfo=UTC) for parts in _MOMENTS), None),
    "DATETIME": (*(datetime(*parts) for parts in _MOMENTS), None),  # noqa: DTZ001  # a DATETIME has no zone
    "TIME": (time(23, 30, 0, 999_999), time(0), None, time(12, 1, 2, 120_000), time(23, 59, 59)),
    "STRUCT<a INT64, b STRING>": ({"a": 1, "b": "x"}, {"a": None, "b": None}, None, {"a": _LARGEST, "b": 'é"\\'}),
    "ARRAY<STRUCT<a INT64, b STRING>>": ([{"a": 1, "b": "x"}, {"a": None, "b": ""}], [], None),
    "ARRAY<INT64>": ([1, 2, 3], [], None, [5, None, -7], [_LARGEST]),
    "ARRAY<STRING>": (["a", "b"], [], None, ["x", None, ""], ["äß"]),
    "ARRAY<FLOAT64>": ([1.5, nan], [], None, [None, -0.0]),
}  # fmt: skip

_DOCUMENTS = ('{"a": 1, "b": {"c": "x"}, "d": [1, "two", null], "e": null, "f": true}', "{broken", "[1,2]", None, '"text"',
              "", '{"a": "ä", "d": [], "x y": 3}', "null", '{"a": {"k": [1]}}', "12", '{"b": [{"c": 1}]}',
              '{"a": 1.50, "d": [2e5, -0, 0.10], "f": -0}', '{"a": NaN}', '{"a": 1, "b": {"c": 2', '{"d": [1, "two"], "e": "1.50"} x', "nan",
              "-0", " 1.50 ", '{"b": {"c": 1.50, "d": "1.50"}, "a": "2026-05-04"}', "[1.0, 2.50,3]", '{"d": ["a", null, {"b": 1}], "a": true}')  # fmt: skip
# Where numbers of very different sizes are taken from each other, nothing is left but rounding.
SANE: Mapping[str, tuple[Value, ...]] = {
    "INT64": (1, 2, None, 5, -7, 3), "FLOAT64": (1.5, 2.25, None, -7.0, nan, 0.1), "NUMERIC": (Decimal("2.5"), Decimal(3), None, Decimal("-0.1")),
}  # fmt: skip
JSON: Sequence[Value] = tuple(text for text in _DOCUMENTS[:12] if text not in ("{broken", ""))
_COUNTS = (2, 0, None, 1, 20, -1, 5)
_PLACES = (1, 0, None, 2, -1, 4, -3, 100, _LARGEST, _SMALLEST)
_SHIFTS = (1, 0, None, 62, 63, 64, -1, _LARGEST)
_STEPS = (1, 0, None, -1, 13, 100_000, _LARGEST)
_SECONDS = (0, None, -1, 253402300799, 253402300800, -62135596800, -62135596801, 1777937400)
# Values for an argument (by its place) of a function whose sense needs some of its own.
OWN: Mapping[tuple[str, int], Sequence[Value]] = {
    ("<<", 1): _SHIFTS, (">>", 1): _SHIFTS, ("LEFT", 1): _COUNTS, ("RIGHT", 1): _COUNTS, ("LPAD", 1): _COUNTS,
    ("RPAD", 1): _COUNTS, ("REPEAT", 1): _COUNTS, ("SUBSTR", 1): _PLACES, ("SUBSTR", 2): _COUNTS, ("INSTR", 2): _PLACES[:6],
    ("INSTR", 3): (1, 2, None, 0), ("INSTR", 1): (",", "abc", None, "b"), ("STRPOS", 1): (",", "abc", None, ""),
    ("LPAD", 2): ("xy", "", None, "ä"), ("RPAD", 2): ("xy", "", None, "ä"), ("SPLIT", 1): (",", "", None, "ab"),
    ("REPLACE", 1): (",", "", None, "ab"), ("REPLACE", 2): ("-", "", None), ("TRIM", 1): ("a ", "", None, "c,"),
    ("LTRIM", 1): ("a ", "", None, "c,"), ("RTRIM", 1): ("a ", "", None, "c,"), ("STARTS_WITH", 1): ("a", "", None),
    ("ENDS_WITH", 1): ("c", "", None, "\t"), ("LIKE", 1): ("a%", "%\\_%", None, "_,%", "", "%ä%", "a,b,c"),
    ("TRANSLATE", 1): ("abc", "", None, "ä"), ("TRANSLATE", 2): ("xyz", "", None, "é"),
    ("DATE", 0): (2026, 2024, None, 1, 9999, 10000, 0, -5), ("DATE", 1): (2, 12, None, 13, 0), ("DATE", 2): (29, 1, None, 31, 0),
    ("DATETIME", 0): (2026, 2024, None, 10000), ("DATETIME", 1): (2, 13), ("DATETIME", 2): (29, 1),
    ("DATETIME", 3): (3, 24), ("DATETIME", 4): (0, 60), ("DATETIME", 5): (59, None),
    ("TIMESTAMP_SECONDS", 0): _SECONDS, ("DATE_FROM_UNIX_DATE", 0): (0, None, -1, 20000, 2932896, 2932897, -719162, -719163),
    ("TIMESTAMP_MILLIS", 0): (0, None, -1, 1777937400123, 253402300799999, 253402300800000, -62135596800001),
    ("TIMESTAMP_MICROS", 0): (0, None, -1, 1777937400123456, 253402300799999999, 253402300800000000, -62135596800000001),
    ("TIME", 0): (3, 24, None, 0), ("TIME", 1): (0, 60, 59), ("TIME", 2): (59, None, 0, 60), ("CHR", 0): (65, 0, None, 228, 55296, 128512, -1, 1114112),
    ("FROM_BASE64", 0): ("YWJj", "", None, "YQ==", "YWI=", "/+9=", "!"), ("RANGE_BUCKET", 1): ([0, 5, 10], [], None, [5, 1], [1, None], [1, 1, 3]),
    ("GENERATE_ARRAY", 0): (1, None, 5), ("GENERATE_ARRAY", 1): (4, 1, None, -3), ("GENERATE_ARRAY", 2): (1, 2, 0, None, -2),
    ("ARRAY_TO_STRING", 1): (",", "", None), ("ARRAY_TO_STRING", 2): ("?", "", None),
    ("FROM_HEX", 0): ("00ff", "", None, "f", "xyz", "0G", "AbCd"),
    ("GENERATE_DATE_ARRAY", 0): (date(2026, 5, 4), None, date(2026, 5, 8), date(1, 1, 1)),
    ("GENERATE_DATE_ARRAY", 1): (date(2026, 5, 6), None, date(2026, 4, 1)), ("GENERATE_DATE_ARRAY", 2): (1,),
    ("NTILE", 0): (3,), ("LAG", 1): (2,), ("LEAD", 1): (2,), ("NTH_VALUE", 1): (2,),
    **{(name, 0): _DOCUMENTS for name in ("JSON_VALUE", "JSON_EXTRACT_SCALAR", "JSON_QUERY", "JSON_EXTRACT", "JSON_QUERY_ARRAY",
       "JSON_EXTRACT_ARRAY", "JSON_VALUE_ARRAY", "JSON_EXTRACT_STRING_ARRAY")},
    ("PARSE_DATE", 1): ("2026-05-04", "20260504", None, "", "x", "2024-02-30", "04/05/2026", "05/04/26", "May 4, 2026", "2026",
                        "2026-5", "day 4 of 5.2026", " 2026-05-04 ", "2026-1-1", "123", "0000-01-01", "12026-01-01"),
    ("PARSE_DATETIME", 1): ("2026-05-04 23:30:00", "20260504233000", None, "", "2026-05-04T01:02:03.125Z", "2026 05 04 03:04",
                            "03:04 4.5.26", "2026-05-04 24:00:00", "2026-05-04  1:2:3"),
}  # fmt: skip
CAST_TEXTS: Mapping[str, Sequence[Value]] = {
    "CAST_AS_INT64": ("12", " 12 ", None, "0x1F", "-0x1F", "1e3", "12.7", "", "9223372036854775807", "9223372036854775808",
                      "+5", "0x", "ä", "0xFFFFFFFFFFFFFFFFF", "--1", "1_000"),
    "CAST_AS_FLOAT64": ("1.5", " 1.5 ", None, "1e3", "inf", "-Infinity", "NaN", "", "x", ".5", "5.", "1e", "+1", "0x1F", "infin"),
    "CAST_AS_NUMERIC": ("1.5", " 1.5 ", None, "1.9999999999", "", "x", ".5", "5.", "-0.0000000004", "1" * 29, "1" * 30),
    "CAST_AS_BOOL": ("true", "FALSE", None, "yes", "t", "1", "", " true"),
    "CAST_AS_DATE": ("2026-05-04", "2026-5-4", None, "2026-13-04", "2024-02-30", "", "x", "20260504", "0000-01-01", "26-05-04"),
    "CAST_AS_DATETIME": ("2026-05-04 10:00:00", "2026-05-04T10:00:00.125", None, "2026-05-04", "2026-05-04 25:00:00", "", "x",
                         "2026-05-04 10:00"),
    "CAST_AS_TIMESTAMP": ("2026-05-04 10:00:00", "2026-05-04T10:00:00Z", None, "2026-05-04", "2026-05-04 10:00:00+00", "", "x",
                          "2026-05-04 10:00:00 UTC", "2026-05-04 25:00:00", "2026-02-30"),
}  # fmt: skip

ZONES = ("Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "-03:30", "US/Pacific")
WEEKS = ("WEEK", "ISOWEEK", *(f"WEEK({day})" for day in WEEKDAYS))
REGEXES = (r"[a-c]", r"(a),?", r"^\s*(\w+)", r"\d+", r"b.", r"a(z)?", r"(?i)äHM", r"c$")
PATHS = ("$.a", "$.b.c", "$.d[1]", "$", "$.e", "$.f", "$.d", "$.none")


def formats(name: str, *, zoned: bool) -> Sequence[str]:
    """Return the formats for a function: every element by itself, or whole ones to parse by."""
    match name:
        case "PARSE_DATE":
            return PARSED_DATES
        case "PARSE_DATETIME" | "PARSE_TIMESTAMP":
            return PARSED_TIMES
        case "FORMAT_DATE":
            return ["a%%b", *(f"%{element}" for element in DATE_ELEMENTS), "%Y-%m-%d", "week %V of %G"]
        case "FORMAT_TIMESTAMP" if not zoned:
            return [f"%{element}" for element in (*TIME_ELEMENTS, *ZONE_ELEMENTS)]
        case _:
            return [f"%{element}" for element in TIME_ELEMENTS if element != "s" or not zoned]
