"""Whether distinct values are collected and counted as BigQuery does, whatever they are."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.translate import Translator
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType

ROWS = (
    "(SELECT 1 AS k, 'a' AS s, 1 AS n, DATE '2026-03-01' AS d, 0.0 AS f"
    " UNION ALL SELECT 1, 'b', 1, NULL, -0.0 UNION ALL SELECT 1, 'a', NULL, DATE '2026-03-02', CAST('nan' AS FLOAT64)"
    " UNION ALL SELECT 1, NULL, 2, DATE '2026-03-02', CAST('nan' AS FLOAT64)"
    " UNION ALL SELECT 2, NULL, NULL, NULL, NULL)"
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    return EmbeddedEngine(Path(tmp_path_factory.mktemp("sets")))


@pytest.mark.parametrize(("column", "counts"), [("s", (2, 0)), ("n", (2, 0)), ("d", (2, 0)), ("f", (2, 0))])
def test_values_of_a_set_are_counted_once_and_null_is_none(
    engine: EmbeddedEngine, column: str, counts: tuple[int, int]
) -> None:
    sql = (
        f"WITH sets AS (SELECT t.k, ARRAY_AGG(DISTINCT t.{column} IGNORE NULLS) AS x, COUNT(*) AS rows_in_all\n"
        f"FROM {ROWS} AS t GROUP BY t.k)\n"
        "SELECT s.k, (SELECT COUNT(DISTINCT v) FROM UNNEST(x) AS v) AS n, s.rows_in_all FROM sets AS s ORDER BY s.k"
    )

    assert engine.query(Sql(sql), labels={}).rows == ((1, counts[0], 4), (2, counts[1], 1))


@pytest.mark.parametrize("brackets", ["{}", "(\n{}\n)", "(({}))"])
@pytest.mark.parametrize("values", ["['a', 'b']", "[1, 2]", "[DATE '2026-03-01']", "[1.5, 2.5]", "[NUMERIC '1']"])
def test_a_set_is_counted_without_a_query_for_every_row(values: str, brackets: str) -> None:
    """DuckDB takes seconds to plan a few dozen of them; metrics' expressions stand in brackets."""
    translator = Translator("local", load_registry(), lambda table: RowType(()))
    count = brackets.format("(SELECT COUNT(DISTINCT v) FROM UNNEST(x) AS v)")
    sql = f"SELECT {count} AS n FROM (SELECT {values} AS x) AS t"

    assert "unnest" not in translator.translate(sql).sql.lower()


def test_values_are_collected_once(engine: EmbeddedEngine) -> None:
    sql = f"SELECT ARRAY_AGG(DISTINCT t.s IGNORE NULLS) AS x, SUM(t.n) AS n FROM {ROWS} AS t"

    ((found, total),) = engine.query(Sql(sql), labels={}).rows

    assert (sorted(map(str, found or ())), total) == (["a", "b"], 4)


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("(SELECT COUNT(DISTINCT v) FROM UNNEST(t.x) AS v)", 2),
        ("((SELECT COUNT(DISTINCT v) FROM UNNEST(t.x) AS v))", 2),
        ("(SELECT COUNT(v) FROM UNNEST(t.x) AS v)", 3),
        ("(SELECT COUNT(DISTINCT v) FROM UNNEST(t.x) AS v WHERE v > 1)", 1),
        ("(SELECT COUNT(DISTINCT v + 1) FROM UNNEST(t.x) AS v)", 2),
        ("(SELECT COUNT(DISTINCT v) FROM UNNEST(t.x) AS v WITH OFFSET AS o)", 2),
        ("(SELECT COUNT(DISTINCT v) FROM UNNEST([1, 1]) AS v)", 1),
    ],
)
def test_what_else_is_asked_of_a_list_is_answered_too(engine: EmbeddedEngine, query: str, count: int) -> None:
    sql = f"SELECT {query} AS n FROM (SELECT [1, 2, 2] AS x, 7 AS k) AS t"

    assert engine.query(Sql(sql), labels={}).rows == ((count,),)
