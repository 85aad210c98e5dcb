"""Every expression and data source of metric-hub means the same on the embedded engine as it does to ZetaSQL."""

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.dialect.inference.columns import infer_columns
from jetstream_argo.dialect.types import Column
from jetstream_argo.dialect.zetasql.checker import Checker, start
from jetstream_argo.dialect.zetasql.loader import Service
from jetstream_argo.errors import EngineError
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.warehouse.random_rows import CLIENTS, random_rows, same_rows

ORACLE = Path(__file__).parents[3] / "shared" / "oracles" / "composition.json"
ENROLLMENTS = (
    Column("client_id", "STRING"),
    Column("branch", "STRING"),
    Column("enrollment_date", "DATE"),
    Column("exposure_date", "DATE"),
)
ENROLLED = [
    {
        "client_id": client,
        "branch": "ab"[number % 2],
        "enrollment_date": date(2026, 5, 1 + number % 4),
        "exposure_date": date(2026, 5, 3),
    }
    for number, client in enumerate([*CLIENTS, "without rows"])
]
PER_QUERY = 12


def expressions() -> dict[str, list[str]]:
    """Return the expressions by data source; none is left out."""
    if not ORACLE.exists():
        return {}
    found: dict[str, dict[str, None]] = {}
    for metric in json.loads(ORACLE.read_text(encoding="utf-8"))["metrics"]:
        found.setdefault(metric["data_source"], {})[metric["select_expression"]] = None
    return {source: list(texts) for source, texts in found.items()}


@pytest.fixture(scope="module")
def service() -> Service:
    return start()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    engine = EmbeddedEngine(tmp_path_factory.mktemp("warehouse"))
    engine.load("d.enrollments", ENROLLED, ENROLLMENTS, write=Write.TRUNCATE, labels={})
    return engine


def query(texts: list[str]) -> Sql:
    selected = ",\n  ".join(f"{text.strip()} AS v{number}" for number, text in enumerate(texts))
    return Sql(
        f"SELECT e.client_id,\n  {selected}\nFROM `d.enrollments` AS e\n"
        "LEFT JOIN `d.source` AS ds ON ds.client_id = e.client_id\nGROUP BY e.client_id"
    )


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.exists(), reason="needs ../shared")
@pytest.mark.parametrize("source", expressions())
def test_expressions_of_a_source_have_the_values_that_zetasql_computes(
    source: str, engine: EmbeddedEngine, service: Service
) -> None:
    texts = expressions()[source]
    guesses = infer_columns(query(texts), known={"d.enrollments": ENROLLMENTS})["d.source"]
    columns = [Column(name, guess.type) for name, guess in guesses.items()]
    rows = random_rows(guesses, seed=source)
    tables = {"d.source": rows, "d.enrollments": ENROLLED}
    checker = Checker({"d.source": columns, "d.enrollments": ENROLLMENTS}, service=service)
    engine.load("d.source", rows, columns, write=Write.TRUNCATE, labels={})

    for first in range(0, len(texts), PER_QUERY):
        sql = query(texts[first : first + PER_QUERY])
        expected = checker.evaluate(sql, tables)
        result = engine.query(sql, labels={})

        assert same_rows(expected, result.rows), sql


@pytest.mark.skipif(not ORACLE.exists(), reason="needs ../shared")
def test_all_expressions_are_compared() -> None:
    # 608 metrics of the oracle; an expression that two metrics of a source share is compared once.
    metrics = json.loads(ORACLE.read_text(encoding="utf-8"))["metrics"]

    compared = {(source, text) for source, texts in expressions().items() for text in texts}

    assert len(metrics) == 608
    assert compared == {(metric["data_source"], metric["select_expression"]) for metric in metrics}


def from_expressions() -> dict[str, str]:
    """Return the distinct FROM expressions of all data sources in metric-hub that need no parameters."""
    found: dict[str, str] = {}
    for file in sorted((ORACLE.parents[1] / "metric-hub").rglob("*.toml")):
        for name, source in tomllib.loads(file.read_text(encoding="utf-8")).get("data_sources", {}).items():
            text = source.get("from_expression", "")
            if text and "{" not in text and text not in found.values():
                found[f"{file.stem}.{name}"] = text
    return found


# `e.*` of an array whose elements nothing else is asked of: no field can be inferred.
UNKNOWN_ELEMENT = "mobile-default-browser-cta-copy-test-ios.events_unnested"


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.exists(), reason="needs ../shared")
def test_every_data_source_can_be_read_as_bigquery_would_read_it(tmp_path: Path, service: Service) -> None:
    sources = from_expressions()
    engine = EmbeddedEngine(tmp_path)
    failures = {}

    for name, text in sources.items():
        sql = Sql(f"SELECT COUNT(*) AS n FROM {text} AS ds")
        guesses = infer_columns(sql)
        tables = {
            table: [Column(column, guess.type) for column, guess in columns.items()] or [Column("nothing", "INT64")]
            for table, columns in guesses.items()
        }
        for table, columns in tables.items():
            engine.load(table.replace("*", "20260501"), [], columns, write=Write.TRUNCATE, labels={})
        try:
            engine.query(sql, labels={})
            if name != UNKNOWN_ELEMENT:
                Checker(tables, service=service).analyze(sql)
        except EngineError as error:
            failures[name] = f"{error}\n{text}"

    assert len(sources) > 200
    assert failures == {}
