"""What becomes of expressions on the embedded engine, judged by ZetaSQL's evaluation of the same on six rows.

Usage: python -m benchmarks.expressions [FILE]

FILE has an expression a line, `AGG:` before an aggregate; it is ../shared/cases/expressions.txt if none is given. What
is different, accepted though ZetaSQL refuses it, or refused is printed, and below it a table of the figures.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker
from jetstream_argo.errors import EngineError, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.random_rows import same

FILE = Path(__file__).resolve().parents[2] / "shared" / "cases" / "expressions.txt"
COLUMNS = tuple(
    Column(*text.split(" ", 1))
    for text in (
        "id INT64", "ts TIMESTAMP", "ts2 TIMESTAMP", "da DATE", "s STRING", "x INT64", "f FLOAT64", "n NUMERIC",
        "j STRING", "b BOOL", "arr ARRAY<INT64>", "p ARRAY<STRUCT<key STRING, value INT64>>",
    )
)  # fmt: skip
_UNEVALUATED = "Unsupported built-in function"  # ZetaSQL knows the function, and its evaluator does not
_NOT_HERE = "is not implemented by the embedded engine"
_DOCUMENT = '{"a": 1, "b": {"c": "x"}, "d": [1, "two", null], "e": null, "f": true}'


def _at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # as many as are given


def _pairs(*pairs: tuple[str | None, int | None]) -> Value:
    return [{"key": key, "value": value} for key, value in pairs]


# Ordinary, negative, around a change of clocks and a year's end, all NULL, extremes, before 1970.
_VALUES: tuple[tuple[Value, ...], ...] = (
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
ROWS = [dict(zip((column.name for column in COLUMNS), values, strict=True)) for values in _VALUES]
TABLES = {"d.t": ROWS}  # the same mapping for all expressions, so that it is registered once


class Fate(StrEnum):
    """What may become of an expression."""

    EQUAL = "equal to ZetaSQL's evaluation"
    BOTH = "an error in both, or refused by both"
    REFUSED = "refused here by name"
    VALUE = "a value refused here by name"
    NOT_EVALUATED = "not known to ZetaSQL's evaluator"
    DIFFERENT = "silently different"
    ACCEPTED = "accepted here, refused there"
    ERROR = "an error here only"


WRONG = (Fate.DIFFERENT, Fate.ACCEPTED, Fate.ERROR)


@dataclass(frozen=True, slots=True)
class Judged:
    """An expression, what became of it, and why."""

    line: str
    fate: Fate
    why: str = ""


def judged(lines: Iterable[str]) -> Iterator[Judged]:
    """Yield what becomes of each expression."""
    with tempfile.TemporaryDirectory(prefix="jetstream-expressions-") as folder:
        engine, checker = EmbeddedEngine(Path(folder)), Checker({"d.t": COLUMNS})
        engine.load("d.t", ROWS, COLUMNS, write=Write.TRUNCATE, labels={})
        for line in lines:
            yield _judged(line, engine, checker)


def _judged(line: str, engine: EmbeddedEngine, checker: Checker) -> Judged:
    refused = ""
    expected: list[Value] | None = None
    try:
        expected = [row[-1] for row in checker.evaluate(_query(line), TABLES)]
    except EngineError as error:
        refused = str(error).partition("\n")[0]
    if _UNEVALUATED in refused:
        return Judged(line, Fate.NOT_EVALUATED)
    try:
        found = [row[-1] for row in engine.query(_query(line), labels={}).rows]
    except EngineError as error:
        why = str(error).partition("\n")[0]
        if expected is None:
            return Judged(line, Fate.BOTH)
        if isinstance(error, Unsupported):
            return Judged(line, Fate.REFUSED, why)
        return Judged(line, Fate.VALUE if _NOT_HERE in str(error) else Fate.ERROR, why)
    if expected is None:
        return Judged(line, Fate.ACCEPTED, refused)
    return Judged(line, Fate.EQUAL) if same(expected, found) else Judged(line, Fate.DIFFERENT, f"{expected}, {found}")


def _query(line: str) -> Sql:
    source = "(SELECT *, DATETIME(ts2) AS dt FROM d.t)"
    if line.startswith("AGG:"):
        return Sql(f"SELECT {line[4:]} AS v FROM {source}")
    return Sql(f"SELECT id, {line} AS v FROM {source} ORDER BY id")


def main() -> int:
    """Print what becomes of a file's expressions; 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, default=FILE)
    lines = [line for line in parser.parse_args().file.read_text(encoding="utf-8").splitlines() if line]
    counts: Counter[Fate] = Counter()
    for found in judged(lines):
        counts[found.fate] += 1
        if found.why:
            print(f"{found.fate}: {found.line}\n    {found.why}")
    print("\n| | expressions | % |\n|---|---:|---:|")
    for fate in Fate:
        print(f"| {fate} | {counts[fate]} | {100 * counts[fate] / len(lines):.1f} |")
    print(f"| all | {len(lines)} | |")
    return 1 if any(counts[fate] for fate in WRONG) else 0


if __name__ == "__main__":
    sys.exit(main())
