"""What experiments have cost, by their records or by the labels of their jobs."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.report.costs import cost_of
from jetstream_argo.report.spending import Spending, by_experiment, of_jobs, of_records
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.bigquery.engine import BigQueryEngine
from jetstream_argo.warehouse.bigquery.settings import BigQuerySettings
from tests.run.test_late_telemetry import LAST, activity, load, pipeline
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving
from tests.worlds.pipeline import Pipeline

__all__ = ["pipeline"]

EVER = datetime(2020, 1, 1, tzinfo=UTC)
DAY = date(2026, 5, 4)


def test_the_dearest_comes_first_with_the_source_that_most_was_for() -> None:
    spent = [
        Spending("cheap", "clicks", DAY, jobs=1, bytes=5, slot_ms=1),
        Spending("dear", "clicks", DAY, jobs=1, bytes=10, slot_ms=2),
        Spending("dear", "visits", DAY, jobs=2, bytes=20, slot_ms=3),
        Spending("dear", "visits", DAY + timedelta(days=1), jobs=1, bytes=10, slot_ms=4),
    ]

    first, second = by_experiment(spent)

    assert first[:2] == ("visits", "75 %")
    assert (first[2].experiment, first[2].jobs, first[2].bytes, first[2].slot_ms) == ("dear", 4, 40, 9)
    assert second == ("clicks", "100 %", spent[0])


def test_of_the_embedded_engine_the_records_tell(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]) -> None:
    load(pipeline, activity(LAST))
    pipeline.run()
    expected = cost_of(read_ledger(pipeline.plan, pipeline.engine).entries).bytes

    spent = list(of_records(pipeline.engine, ["results"], since=EVER))

    assert {part.experiment for part in spent} == {"try-it"}
    assert sum(part.bytes for part in spent if part.source == "activity") > 0
    assert sum(part.bytes for part in spent) == expected
    assert list(of_records(pipeline.engine, ["results"], since=pipeline.now())) == []

    assert exit_code_of(["costs", "--warehouse", f"embedded:{pipeline.root}", "--dataset", "results"]) == 0
    assert capsys.readouterr().out  # what it says depends on today's date


def test_of_bigquery_the_labels_of_jobs_tell_whoever_ran_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(FakeBigQuery(tmp_path)) as url:
        settings = BigQuerySettings(PROJECT, api_endpoint=url, longest_poll_seconds=0.05)
        for number in range(2):
            engine = BigQueryEngine(settings, attempt=f"a{number}")
            engine.query(Sql("SELECT 1 AS x"), labels={"experiment": "New-Tab", "source": "visits"})
        engine.query(Sql("SELECT 2 AS x"), labels={"purpose": "versions"})

        (spent,) = of_jobs(engine, PROJECT, "US", since=EVER)
        assert (spent.experiment, spent.source, spent.jobs, spent.bytes) == ("new-tab", "visits", 2, 2 * 10 * 1024**2)

        command = ["costs", "--warehouse", f"bigquery:{PROJECT}?api_endpoint={url}"]
        assert exit_code_of(command) == 0
        assert "new-tab" in capsys.readouterr().out
        assert exit_code_of([*command, "other", "--json"]) == 0
        assert json.loads(capsys.readouterr().out) == []

        for _ in range(3):
            engine.query(Sql("SELECT 1 AS x"), labels={"experiment": "new-tab", "node": "stats"})
        assert exit_code_of(command) == 0
        assert "no single source 60 %" in " ".join(capsys.readouterr().out.split())
