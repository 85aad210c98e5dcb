"""Whether a query whose plan is nested deeply can be accounted for."""

import math
from pathlib import Path

import pytest

from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

# From 162 on the plan is nested more than 1000 deep, Python's limit; the time to plan grows with the square.
MANY = 170


@pytest.mark.slow
def test_a_query_of_many_correlated_subqueries_gives_its_rows(tmp_path: Path) -> None:
    columns = ", ".join(f"SUM((SELECT SUM(v) FROM UNNEST(t.x) AS v WHERE v != {n})) AS c{n}" for n in range(MANY))

    result = EmbeddedEngine(tmp_path).query(Sql(f"SELECT {columns} FROM (SELECT [1000, 2000] AS x) AS t"), labels={})

    assert result.rows == ((3000,) * MANY,)


def test_what_is_computed_of_a_value_is_planned_once_however_deep_it_stands(tmp_path: Path) -> None:
    """Of macros that name their parameter five times, twelve in one another would be 200 million expressions."""
    expression = "1.5"
    for number in range(12):
        expression = f"SAFE_DIVIDE({expression}, CAST(CAST({number + 2} AS STRING) AS INT64))"

    result = EmbeddedEngine(tmp_path).query(Sql(f"SELECT {expression} AS y"), labels={})

    assert result.rows == ((pytest.approx(1.5 / math.factorial(13), rel=1e-12),),)
