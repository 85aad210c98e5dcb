"""What ZetaSQL says of queries, and how it is started."""

import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from jetstream_argo.dialect.functions.registry import Function
from jetstream_argo.dialect.types import Column, Value
from jetstream_argo.dialect.zetasql.checker import Checker, start
from jetstream_argo.dialect.zetasql.loader import Service, default_cache
from jetstream_argo.errors import InvalidQuery

CLIENTS = (
    Column("client_id", "STRING"),
    Column("hours", "FLOAT64"),
    Column("experiments", "ARRAY<STRUCT<key STRING, value STRUCT<branch STRING>>>"),
)


@pytest.fixture(scope="module")
def service() -> Service:
    return start()


@pytest.fixture(scope="module")
def checker(service: Service) -> Checker:
    return Checker({"moz-fx.telemetry.clients": CLIENTS, "d.t": [Column("n", "INT64")]}, service=service)


def test_a_query_is_typed_through_functions_and_structs(checker: Checker) -> None:
    columns = checker.analyze(
        """SELECT client_id, SUM(hours) AS total, CAST(COUNTIF(hours > 1) AS INT) AS days, MAX_BY(client_id, hours),
          ANY_VALUE(mozfun.map.get_key(experiments, 'slug').branch) AS branch, ARRAY_AGG(STRUCT(hours)) AS all_hours
        FROM `moz-fx.telemetry.clients` GROUP BY ALL"""
    )

    assert columns == (
        Column("client_id", "STRING"),
        Column("total", "FLOAT64"),
        Column("days", "INT64"),
        Column("f0_", "STRING"),
        Column("branch", "STRING"),
        Column("all_hours", "ARRAY<STRUCT<hours FLOAT64>>"),
    )


def test_addresses_beyond_two_gigabytes_are_read_as_well() -> None:
    service = start()
    checker = Checker({}, service=service)
    address = service._function("wasm_malloc", 2**31 - 2**20)  # to fill the memory at once
    text = "x" * 4_000_000

    columns = checker.analyze(f"SELECT '{text}' AS long")

    assert address
    assert columns == (Column("long", "STRING"),)


def test_rows_are_let_go_when_others_come_or_the_checker_is_closed(service: Service) -> None:
    registered: set[int] = set()

    class Counting(Service):
        def __init__(self) -> None:
            self.__dict__ = service.__dict__

        def call(self, method: str, request: Any, reply: Any) -> Any:
            answer = super().call(method, request, reply)
            if method == "RegisterCatalog":
                registered.add(answer.registered_id)
            if method == "UnregisterCatalog":
                registered.remove(request.registered_id)
            return answer

    checker = Checker({"d.t": [Column("n", "INT64")]}, service=Counting())

    found = [checker.evaluate("SELECT n FROM d.t", {"d.t": [{"n": n}]}) for n in range(3)]
    left = len(registered)
    checker.close()

    assert found == [((0,),), ((1,),), ((2,),)]
    assert left == 1
    assert registered == set()


@pytest.mark.parametrize(
    "table", ["`moz-fx.telemetry.clients`", "`moz-fx`.telemetry.clients", "moz-fx.telemetry.clients",
              "`moz-fx`.`telemetry.clients`"]
)  # fmt: skip
def test_a_table_is_found_under_each_way_to_write_its_name(table: str, checker: Checker) -> None:
    assert checker.analyze(f"SELECT hours FROM {table} AS c") == (Column("hours", "FLOAT64"),)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT n,\n  m FROM d.t", r"Unrecognized name: m.*\[at 2:3\]"),
        ("SELECT SUM(client_id) FROM `moz-fx.telemetry.clients`", r"No matching signature .*SUM"),
        ("SELECT n, COUNT(*) FROM d.t", r"neither grouped nor aggregated \[at 1:8\]"),
        ("SELECT DISTINCT ON (n) n FROM d.t", r"Syntax error.*\[at 1:"),
        ("SELECT n FROM d.none", r"Table not found: d.none"),
        ("SELECT mozfun.map.get_kay(n, 1) FROM d.t", r"Function not found: .*get_kay"),
    ],
)
def test_what_bigquery_would_refuse_is_refused_with_its_place(sql: str, message: str, checker: Checker) -> None:
    with pytest.raises(InvalidQuery, match=message):
        checker.analyze(sql)


def test_values_go_in_and_come_out_as_they_are(service: Service) -> None:
    row: dict[str, Value] = {
        "i": -(2**62), "f": 0.1, "s": "✓", "b": False, "d": date(1969, 12, 31), "num": Decimal("-1.25"),
        "ts": datetime(1969, 12, 31, 23, 59, 59, 5, tzinfo=UTC), "a": ["x"], "st": {"p": 1, "q": [{"r": None}]},
    }  # fmt: skip
    types = ["INT64", "FLOAT64", "STRING", "BOOL", "DATE", "NUMERIC", "TIMESTAMP", "ARRAY<STRING>",
             "STRUCT<p INT64, q ARRAY<STRUCT<r FLOAT64>>>"]  # fmt: skip
    columns = [Column(name, type_) for name, type_ in zip(row, types, strict=True)]
    checker = Checker({"t": columns}, service=service)

    rows = checker.evaluate("SELECT * FROM t", {"t": [row, {}]})

    assert rows == (tuple(row.values()), (None,) * len(row))
    moment = datetime(2026, 2, 3, 4, 5, 6, 500_000)  # noqa: DTZ001  # DATETIME has no zone
    assert checker.evaluate("SELECT DATETIME '2026-02-03 04:05:06.5'", {}) == ((moment,),)


@pytest.mark.parametrize(
    "table", ["`moz-fx.telemetry.clients`", "`moz-fx`.telemetry.clients", "moz-fx.telemetry.clients"]
)
def test_rows_are_found_under_each_way_to_write_a_table(table: str, checker: Checker) -> None:
    tables = {"moz-fx.telemetry.clients": [{"hours": 1.5}], "d.t": [{"n": 1}]}

    rows = checker.evaluate(f"SELECT c.hours, t.n FROM {table} AS c, d.t WHERE t.n = 1", tables)

    assert rows == ((1.5, 1),)


def test_a_division_by_zero_fails_when_it_is_evaluated(checker: Checker) -> None:
    with pytest.raises(InvalidQuery, match="division by zero"):
        checker.evaluate("SELECT 1 / n FROM d.t", {"d.t": [{"n": 0}]})


def test_own_functions_are_checked_by_their_bigquery_body(service: Service) -> None:
    twice = Function("ours.twice", ("x",), duckdb="2 * x", bigquery="2 * x")
    checker = Checker({"d.t": [Column("n", "INT64")]}, udfs=[twice], service=service)

    assert checker.analyze("SELECT mozfun.ours.twice(n) AS m FROM d.t") == (Column("m", "INT64"),)
    assert checker.evaluate("SELECT SUM(ours.twice(n)) FROM `d.t`", {"d.t": [{"n": 2}, {"n": 3}]}) == ((10,),)


def test_the_compiled_module_is_private_and_shared_by_processes(service: Service) -> None:
    cache = default_cache()
    program = (
        "from jetstream_argo.dialect.zetasql.checker import Checker\n"
        "print(Checker({}).analyze('SELECT 1 AS one')[0].type)"
    )

    processes = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    printed = [process.communicate(timeout=600)[0].strip() for process in processes]

    assert printed == ["INT64", "INT64"]
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert len(list(cache.glob("*.cwasm"))) >= 1


def test_a_cache_that_others_can_write_to_is_not_used(tmp_path: Path, service: Service) -> None:
    open_to_all = tmp_path / "cache"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)

    with pytest.raises(PermissionError, match="can be written to by others"):
        start(open_to_all)


def test_a_table_without_rows_is_empty_and_not_unknown(checker: Checker) -> None:
    assert checker.evaluate("SELECT COUNT(*) AS n FROM d.t AS t", {"d.t": []}) == ((0,),)


def test_a_table_that_has_a_column_of_its_own_name_gives_that(service: Service) -> None:
    checker = Checker({"p.d.events": [Column("events", "ARRAY<INT64>")]}, service=service)
    rows: dict[str, list[dict[str, Value]]] = {"p.d.events": [{"events": [1, 2]}]}

    assert checker.evaluate("SELECT e FROM `p.d.events` CROSS JOIN UNNEST(events) AS e ORDER BY e", rows) == (
        (1,),
        (2,),
    )
