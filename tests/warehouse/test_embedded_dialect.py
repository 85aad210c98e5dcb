"""What the embedded engine does where ZetaSQL's evaluator cannot be asked: errors, refusals, approximate functions."""

from pathlib import Path

import pytest

from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import ConfigError, InvalidQuery, NotFound, Unsupported
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.connect import connect
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write

COLUMNS = [Column("id", "INT64"), Column("s", "STRING"), Column("arr", "ARRAY<INT64>"), Column("big", "INT64")]
ROWS = [
    {"id": 0, "s": "abc", "arr": [1], "big": 2**62},
    {"id": 1, "s": "12", "arr": [4, 5], "big": 2**62},
    {"id": 2, "s": None, "arr": None, "big": 2**62},
]


@pytest.fixture
def engine(tmp_path: Path) -> EmbeddedEngine:
    engine = EmbeddedEngine(tmp_path)
    engine.load("d.t", ROWS, COLUMNS, write=Write.TRUNCATE, labels={})
    return engine


def one(engine: EmbeddedEngine, sql: str) -> object:
    return engine.query(Sql(sql), labels={}).rows[0][0]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("1 / id", "division by zero"),
        ("DIV(1, id)", "division by zero"),
        ("MOD(1, id)", "division by zero"),
        ("SUM(1 / id)", "division by zero"),
        ("CAST(s AS INT64)", "abc"),
        ("arr[OFFSET(1)]", "out of bounds"),
        ("SUM(big)", "INT64"),
        ("big + big", "[Oo]verflow"),
    ],
)
def test_what_fails_in_bigquery_fails_here(expression: str, message: str, engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidQuery, match=message):
        engine.query_to_table(Sql(f"SELECT {expression} AS v FROM d.t"), "d.out", write=Write.TRUNCATE, labels={})


def test_a_sum_that_is_no_int64_fails_when_it_is_read(engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidQuery, match="INT64 overflow"):
        engine.query(Sql("SELECT SUM(big) AS s FROM d.t"), labels={})


@pytest.mark.parametrize("expression", ["NULL / 0", "SAFE_DIVIDE(1, 0)", "DIV(NULL, 0)", "SAFE_CAST('x' AS INT64)"])
def test_null_and_safe_operations_do_not_fail(expression: str, engine: EmbeddedEngine) -> None:
    assert one(engine, f"SELECT {expression}") is None


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT id,\n  SOUNDEX(s) FROM d.t", r"SOUNDEX .*line 2"),
        ("SELECT FORMAT('%d', id) FROM d.t", "FORMAT"),
        ("SELECT FARM_FINGERPRINT(s) FROM d.t", "FARM_FINGERPRINT"),
        ("SELECT list_sum(arr) FROM d.t", "list_sum"),
        ("SELECT HLL_COUNT.INIT(s) FROM d.t", "HLL_COUNT"),
        ("SELECT RAND()", "RAND"),
        ("SELECT SAFE.SUM(id) FROM d.t", "SAFE.SUM"),
        ("SELECT mozfun.map.get_keyy(arr, 1) FROM d.t", r"did you mean 'map.get_key'"),
        ("SELECT * FROM d.t PIVOT (SUM(id) FOR s IN ('a'))", "PIVOT"),
        ("SELECT CAST(id AS BIGNUMERIC) FROM d.t", "BIGNUMERIC"),
        ("SELECT STRING_AGG(s LIMIT 1) FROM d.t", "STRING_AGG"),
        ("SELECT CAST(DATE '2026-01-02' AS STRING FORMAT 'YYYY')", "CAST with FORMAT"),
        ("CREATE TABLE d.x AS SELECT 1", "CREATE"),
        ("DELETE FROM d.t WHERE TRUE", "DELETE"),
    ],
)
def test_what_is_not_implemented_is_refused_by_name(query: str, named: str, engine: EmbeddedEngine) -> None:
    with pytest.raises(Unsupported, match=named):
        engine.query(Sql(query), labels={})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT id\nFROM d.t\nWHERE id = = 1", r"line 3, column \d+: WHERE id = = 1"),
        ("SELECT idd FROM d.t", r'"idd" not found.*"id".*line 1'),
        ("SELECT id FROM nowhere", "nowhere"),
        ("SELECT id, id FROM d.t", "'id' is given twice"),
        ("SELECT 1; SELECT 2", "2 statements"),
        ("SELECT 'open", "."),
    ],
)
def test_a_wrong_query_says_where_it_is_wrong(query: str, message: str, engine: EmbeddedEngine) -> None:
    with pytest.raises(InvalidQuery, match=message):
        engine.query(Sql(query), labels={})


def test_a_missing_table_is_named_with_the_nearest_one(engine: EmbeddedEngine) -> None:
    with pytest.raises(NotFound, match=r"'d.tt' does not exist; did you mean 'd.t'"):
        engine.query(Sql("SELECT 1 FROM d.tt"), labels={})


def test_approximate_functions_are_exact(engine: EmbeddedEngine) -> None:
    query = "SELECT APPROX_QUANTILES(v, 4) FROM UNNEST(GENERATE_ARRAY(0, 100)) AS v"

    assert one(engine, query) == [0, 25, 50, 75, 100]
    assert one(engine, "SELECT APPROX_QUANTILES(v, 2)[OFFSET(1)] FROM UNNEST(GENERATE_ARRAY(0, 100)) AS v") == 50
    assert one(engine, "SELECT APPROX_COUNT_DISTINCT(v) FROM UNNEST([1, 2, 2]) AS v") == 2


def test_nameless_columns_are_named_as_bigquery_names_them(engine: EmbeddedEngine) -> None:
    result = engine.query(Sql("SELECT COUNT(*), id + 1, id FROM d.t GROUP BY id"), labels={})

    assert [column.name for column in result.columns] == ["f0_", "f1_", "id"]


def test_a_user_adds_functions_with_a_file(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[function]]\nname = "ours.twice"\nparameters = ["x"]\nduckdb = "2 * x"\nbigquery = "2 * x"\n',
        encoding="utf-8",
    )

    engine = EmbeddedEngine(tmp_path / "w", udfs=own)

    assert one(engine, "SELECT SUM(any_project.ours.twice(v)) FROM UNNEST([1, 2]) AS v") == 6


def test_an_address_names_the_users_functions(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[function]]\nname = "ours.first"\nparameters = ["x"]\nduckdb = "x[1]"\nreturns = "STRING"\n'
        '[[function]]\nname = "ours.unsaid"\nparameters = ["x"]\nduckdb = "x"\n',
        encoding="utf-8",
    )

    engine = connect(f"embedded:{tmp_path / 'w'}?functions={own}", attempt="1")

    assert engine.query(Sql("SELECT LENGTH(any_project.ours.first('abc')) AS v"), labels={}).rows == ((1,),)
    with pytest.raises(Unsupported, match="returns"):
        engine.query(Sql("SELECT LENGTH(ours.unsaid('abc')) AS v"), labels={})
    with pytest.raises(ConfigError, match=r"functions: .*missing.toml' is no file"):
        connect(f"embedded:{tmp_path / 'w'}?functions={tmp_path / 'missing.toml'}", attempt="1")


def test_a_wrong_file_of_functions_names_the_key(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[function]]\nname = "ours.twice"\nparameter = ["x"]\nduckdb = "2 * x"\n', encoding="utf-8")

    with pytest.raises(ConfigError, match=r"function.ours.twice.parameter: is not known"):
        EmbeddedEngine(tmp_path / "w", udfs=own)


def test_sums_of_floats_do_not_vary(tmp_path: Path) -> None:
    engine = EmbeddedEngine(tmp_path)
    query = "SELECT SUM(LN(v)) FROM UNNEST(GENERATE_ARRAY(1, 200000)) AS v"

    assert len({one(engine, query) for _ in range(3)}) == 1


def test_a_join_in_brackets_is_one_relation(engine: EmbeddedEngine) -> None:
    sql = "SELECT COUNT(b.s) AS n FROM (d.t AS a LEFT JOIN d.t AS b USING (id)) WHERE a.id < 2"

    assert one(engine, sql) == 2
