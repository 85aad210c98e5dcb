"""Expressions of which some were silently wrong here: equal to ZetaSQL's evaluation now, or refused by name."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from jetstream_argo.engines.embedded.engine import EmbeddedEngine
from jetstream_argo.engines.protocol import Column, Value, Write
from jetstream_argo.engines.zetasql.checker import Checker
from jetstream_argo.errors import EngineError, Unsupported
from jetstream_argo.sql.text import Sql
from tests.engines.random_rows import same

FILE = Path(__file__).parents[3] / "shared" / "cases" / "expressions.txt"
# ZetaSQL's evaluator does not know these; another test does.
NOT_EVALUATED = {"AGG:APPROX_COUNT_DISTINCT(s)"}
COLUMNS = tuple(
    Column(*text.split(" ", 1))
    for text in (
        "id INT64", "ts TIMESTAMP", "ts2 TIMESTAMP", "da DATE", "s STRING", "x INT64", "f FLOAT64", "n NUMERIC",
        "j STRING", "b BOOL", "arr ARRAY<INT64>", "p ARRAY<STRUCT<key STRING, value INT64>>",
    )
)  # fmt: skip
_DOCUMENT = '{"a": 1, "b": {"c": "x"}, "d": [1, "two", null], "e": null, "f": true}'


def _at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # as many as are given


def _pairs(*pairs: tuple[str | None, int | None]) -> Value:
    return [{"key": key, "value": value} for key, value in pairs]


VALUES: tuple[tuple[Value, ...], ...] = (
    (1, _at(2026, 5, 4, 23, 30), _at(2026, 5, 4, 22, 15, 30), date(2026, 5, 4), "a,b,c", 5, 1.5, Decimal("2.5"),
     _DOCUMENT, True, [1, 2, 3], _pairs(("x", 1), ("y", 2))),
    (2, _at(2026, 3, 29, 0, 59, 59), _at(2026, 1, 1), date(2025, 12, 29), "Ähm,abc", -7, -2.5, Decimal("-2.5"),
     "{broken", False, [], []),
    (3, _at(2025, 12, 31, 23, 59, 59, 999_000), _at(2026, 3, 29, 1), date(2024, 12, 30), "12", 0, 0.0, Decimal(0),
     "[1,2]", None, [3], _pairs(("x", None), (None, 4))),
    (4, *[None] * 11),
    (5, _at(2026, 10, 25, 1, 30, 0, 999_999), _at(2026, 10, 25, 0, 30, 0, 1), date(2024, 2, 29), "", 2**63 - 1,
     float("nan"), Decimal("0.123456789"), '"text"', True, [-1, 0, 5, 3], _pairs(("", 7))),
    (6, _at(1969, 12, 31, 23, 59, 58, 500_000), _at(1960, 2, 29, 12), date(1969, 12, 31), "  pad ", 3, float("inf"),
     Decimal("1234567.999999999"), '{"a": "z", "d": []}', False, [9], _pairs(("x", 10))),
)  # fmt: skip
ROWS = [dict(zip((column.name for column in COLUMNS), values, strict=True)) for values in VALUES]


def query(line: str) -> Sql:
    source = "(SELECT *, DATETIME(ts2) AS dt FROM d.t)"
    if line.startswith("AGG:"):
        return Sql(f"SELECT {line[4:]} AS v FROM {source}")
    return Sql(f"SELECT id, {line} AS v FROM {source} ORDER BY id")


@pytest.mark.slow
@pytest.mark.skipif(not FILE.exists(), reason="needs ../shared")
def test_no_expression_is_silently_different_and_few_are_refused(tmp_path: Path) -> None:
    engine, checker = EmbeddedEngine(tmp_path), Checker({"d.t": COLUMNS})
    engine.load("d.t", ROWS, COLUMNS, write=Write.TRUNCATE, labels={})
    tables = {"d.t": ROWS}
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line not in NOT_EVALUATED]
    counts: Counter[str] = Counter()
    wrong = []

    for line in lines:
        try:
            expected = [row[-1] for row in checker.evaluate(query(line), tables)]
        except EngineError:
            expected = None
        try:
            found = [row[-1] for row in engine.query(query(line), labels={}).rows]
        except Unsupported:
            counts["refused" if expected is not None else "refused by both"] += 1
            continue
        except EngineError:
            found = None
        counts["compared"] += 1
        if not same(expected, found):
            wrong.append(f"{line}\nzetasql  {expected}\nembedded {found}")

    assert wrong == []
    assert counts["compared"] + counts["refused"] + counts["refused by both"] == len(lines) > 390
    assert counts["refused"] <= 8
