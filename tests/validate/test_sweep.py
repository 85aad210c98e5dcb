"""The sweep of statements can fail, and leaves out nothing of what it says it covers."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from benchmarks.both_engines import BothEngines, Compared
from benchmarks.covering import Parts
from jetstream_argo.config.periods import Period
from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import start
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import PAGE_ROWS, Result, Write
from tests.worlds.report import plan

COLUMNS = (Column("branch", "STRING"), Column("x", "FLOAT64"), Column("unread", "STRING"))
ROWS = [{"branch": "a", "x": 0.25, "unread": "u"}, {"branch": "b", "x": 3.0, "unread": None}]


@pytest.fixture(scope="module")
def service() -> Service:
    return start()


class Wrong(EmbeddedEngine):
    """Takes every sum for one that is larger by a billionth."""

    def query(self, sql: Sql, *, labels: Mapping[str, str], page_rows: int = PAGE_ROWS) -> Result:
        return super().query(Sql(sql.replace("SUM(t.x)", "SUM(t.x) * (1 + 1e-9)")), labels=labels, page_rows=page_rows)


def swept(engine: EmbeddedEngine, service: Service, *statements: str) -> tuple[Compared, tuple[str, ...]]:
    compared = Compared()
    both = BothEngines(plan(), engine, {}, service, compared)
    both.load("d.t", ROWS, COLUMNS, write=Write.TRUNCATE, labels={})
    for sql in statements:
        both.query(Sql(sql), labels={})
    return compared, both.taken()


SUMS = "SELECT t.branch, SUM(t.x) AS total FROM `d.t` AS t GROUP BY t.branch"


def test_equal_rows_are_equal_in_any_order_and_columns_that_are_not_named_do_not_matter(
    tmp_path: Path, service: Service
) -> None:
    compared, differences = swept(EmbeddedEngine(tmp_path), service, SUMS + " ORDER BY 1 DESC", "SELECT * FROM `d.t`")

    assert compared.outcomes == ["equal", "equal"]
    assert differences == ()


def test_a_planted_fault_of_a_billionth_is_a_difference(tmp_path: Path, service: Service) -> None:
    compared, differences = swept(Wrong(tmp_path), service, SUMS)

    assert compared.outcomes == ["different"]
    assert differences[0].startswith("2 rows; column 1: 0.25")
    assert SUMS in differences[0]


def test_statements_that_differ_in_numbers_and_how_many_of_them_are_compared_once(
    tmp_path: Path, service: Service
) -> None:
    numbers = (f"SELECT t.x FROM `d.t` AS t WHERE t.x IN ({listed})" for listed in ("1", "1, 3", "3, 4, 5"))
    other = "SELECT t.x FROM `d.t` AS t WHERE t.x NOT IN (1, 3)"

    compared, _ = swept(EmbeddedEngine(tmp_path), service, *numbers, other)

    assert compared.outcomes == ["equal", "equal"]


def test_what_adds_nothing_to_what_is_covered_is_left_out() -> None:
    parts = Parts(
        frozenset({"kind"}),
        {
            (Period.DAY, "clicks"): frozenset({"clicks daily", "count"}),
            (Period.WEEK, "clicks"): frozenset({"clicks in windows", "count"}),
            (Period.DAY, "again"): frozenset({"clicks daily"}),
        },
    )

    left = parts.without({"count"})

    assert left.by_metric == {
        (Period.DAY, "clicks"): frozenset({"clicks daily"}),
        (Period.WEEK, "clicks"): frozenset({"clicks in windows"}),
    }
    assert left.every == {"kind", "clicks daily", "clicks in windows"}
    assert left.without(left.every).every == frozenset()
