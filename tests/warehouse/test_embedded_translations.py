"""A translation of one engine serves another where it would make the same one, and nowhere else."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column, Scalar
from jetstream_argo.errors import NotFound, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

HALF = """
[[function]]
name = "own.half"
parameters = ["x"]
duckdb = "{body}"
returns = "FLOAT64"
"""


def answer(engine: EmbeddedEngine, sql: str) -> Scalar:
    ((value,),) = engine.query(Sql(sql), labels={}).rows
    assert not isinstance(value, list | dict)
    return value


def test_engines_with_other_columns_or_without_the_table_do_not_share_it(tmp_path: Path) -> None:
    texts, numbers, none = (EmbeddedEngine(tmp_path / name) for name in ("texts", "numbers", "none"))
    texts.load("d.t", [{"x": "1"}], [Column("x", "STRING")], write=Write.TRUNCATE, labels={})
    numbers.load("d.t", [{"x": 1}], [Column("x", "INT64")], write=Write.TRUNCATE, labels={})
    sql = "SELECT x || '2' AS y FROM d.t"

    assert answer(texts, sql) == "12"
    with pytest.raises(Unsupported):
        answer(numbers, sql)
    with pytest.raises(NotFound):
        answer(none, sql)
    assert answer(texts, sql) == "12"


def test_an_engine_has_the_macros_of_a_translation_that_another_made(tmp_path: Path) -> None:
    sql = "SELECT SAFE.SUBSTR('abc', -2) || CAST(SAFE_DIVIDE(1, 0) IS NULL AS STRING) AS y"

    assert [answer(EmbeddedEngine(tmp_path / name), sql) for name in "ab"] == ["bctrue"] * 2


def test_engines_with_other_functions_of_their_own_do_not_share_it(tmp_path: Path) -> None:
    engines = []
    for number, body in enumerate(("x / 2", "x / 2e0 + 1", "x / 2")):
        file = tmp_path / f"{number}.toml"
        file.write_text(HALF.format(body=body))
        engines.append(EmbeddedEngine(tmp_path / str(number), udfs=file))

    assert [answer(engine, "SELECT own.half(3.0) AS y") for engine in engines] == [1.5, 2.5, 1.5]
