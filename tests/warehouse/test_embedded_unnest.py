"""Arrays of structs that are written out give the rows that they give in BigQuery, and DuckDB knows how many."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.functions.registry import load_registry
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.translate import Translator
from jetstream_argo.warehouse.duckdb.typing.scopes import RowType

UNITS = "(SELECT 'u' AS unit, 7 AS k) AS t"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    return EmbeddedEngine(Path(tmp_path_factory.mktemp("unnest")))


@pytest.mark.parametrize(
    ("columns", "array", "rows"),
    [
        ("unit, w.b", "[STRUCT(1 AS a, -2.5 AS b), STRUCT(3 AS a, NULL AS b)]", (("u", -2.5), ("u", None))),
        ("t.*, w.*", "[STRUCT(1 AS a, DATE '2026-03-01' AS b)]", (("u", 7, 1, "2026-03-01"),)),
        ("unit, a", "[STRUCT(1 AS a, TRUE AS b), STRUCT(2 AS a, FALSE AS b)]", (("u", 1), ("u", 2))),
        ("unit", "[STRUCT(1 AS w, 'x' AS b)]", (("u",),)),
        ("w.a", "[STRUCT(t.k AS a), STRUCT(2 AS a)]", ((7,), (2,))),
        ("w.a", "[STRUCT(1 AS a, 'x' AS b), (2, NULL)]", ((1,), (2,))),
        ("w.a[OFFSET(0)]", "[STRUCT([1, 2] AS a)]", ((1,),)),
        ("COUNT(*)", "[STRUCT(1 AS a), STRUCT(1 AS a)]", ((2,),)),
    ],
)  # fmt: skip
def test_structs_that_are_written_out_are_rows(
    engine: EmbeddedEngine, columns: str, array: str, rows: tuple[tuple[object, ...], ...]
) -> None:
    sql = f"SELECT {columns} FROM {UNITS} CROSS JOIN UNNEST({array}) AS w"

    found = engine.query(Sql(sql), labels={}).rows

    assert sorted(tuple(str(v) for v in row) for row in found) == sorted(tuple(str(v) for v in row) for row in rows)


def test_a_left_join_keeps_what_no_struct_matches(engine: EmbeddedEngine) -> None:
    sql = f"SELECT t.unit, w.a FROM {UNITS} LEFT JOIN UNNEST([STRUCT(1 AS a, 2 AS b)]) AS w ON w.b = t.k"

    assert engine.query(Sql(sql), labels={}).rows == (("u", None),)


def test_duckdb_is_told_how_many_rows_there_are() -> None:
    """It takes an UNNEST for one row, and made its hash table of units times windows instead of their days."""
    translator = Translator("local", load_registry(), lambda table: RowType(()))
    sql = f"SELECT t.*, w.a FROM {UNITS} CROSS JOIN UNNEST([STRUCT(1 AS a, DATE '2026-03-01' AS b)]) AS w"

    assert "unnest" not in translator.translate(sql).sql.lower()
