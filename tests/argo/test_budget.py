"""What an experiment may read in a day, held against what it would read before it is submitted."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from importlib import resources

import pytest
import yaml

from jetstream_argo.argo.due.budget import DailyBudget
from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.cli.options import MOST_BYTES
from jetstream_argo.dialect.types import Column
from jetstream_argo.errors import CostExceeded
from jetstream_argo.report.costs import cost_of
from jetstream_argo.run.context import read_ledger
from jetstream_argo.run.forecast import forecast
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Layout, Write
from tests.run.test_late_telemetry import LAST, activity, load, pipeline
from tests.worlds.pipeline import Pipeline
from workflows.regenerate import ROOT

__all__ = ["pipeline"]


def check(pipeline: Pipeline, most: int, *, uncertain: list[str] | None = None) -> None:
    warnings = [] if uncertain is None else uncertain
    DailyBudget(pipeline.engine, most, pipeline.now, by_dry_run=False, warn=warnings.append).check(pipeline.plan)


def upcoming(pipeline: Pipeline) -> int:
    found = forecast(pipeline.plan, pipeline.engine, read_ledger(pipeline.plan, pipeline.engine), now=pipeline.now)
    return sum(read.bytes or 0 for read in found.upcoming)


def test_what_would_read_more_than_a_days_budget_is_refused_and_told_what_to_do(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST))
    most = upcoming(pipeline)
    assert most

    check(pipeline, most)
    with pytest.raises(
        CostExceeded, match=r"a day; most is of \w+: .* for \d+ dates? - raise --bytes-per-day"
    ) as error:
        check(pipeline, most - 1)
    assert error.value.exit_code == 2


def test_what_was_read_on_the_day_counts_and_what_was_read_before_does_not(pipeline: Pipeline) -> None:
    load(pipeline, activity(LAST - 1))
    pipeline.run()
    check(pipeline, 1)  # nothing more is read: whatever was spent, there is nothing to refuse
    load(pipeline, activity(LAST))
    spent = cost_of(read_ledger(pipeline.plan, pipeline.engine).entries).bytes
    assert spent
    most = upcoming(pipeline)
    now = pipeline.now()

    def check_at(at: datetime, most: int) -> None:
        DailyBudget(pipeline.engine, most, lambda: at, by_dry_run=False, warn=pytest.fail).check(pipeline.plan)

    with pytest.raises(CostExceeded, match=r", after .* today, and may read"):
        check_at(now, most)
    check_at(now, most + spent)
    check_at(now + timedelta(days=1), most)


def test_what_cannot_be_counted_is_said_and_is_no_reason_to_refuse(pipeline: Pipeline) -> None:
    uncertain: list[str] = []
    (source,) = pipeline.plan.sources
    pipeline.plan = replace(pipeline.plan, sources=(replace(source, from_expression="telemetry.nowhere"),))

    check(pipeline, 10**12, uncertain=uncertain)

    (message,) = uncertain
    assert "not in the budget of 1.0 TB" in message
    assert "telemetry.nowhere" in message


@pytest.mark.parametrize(("most", "code", "written"), [("1", 2, 0), (str(10**12), 0, 1)])
def test_the_planner_reports_what_is_over_the_budget_and_does_not_submit_it(
    tmp_path, capsys, monkeypatch, most, code, written
):
    experiments = tmp_path / "experiments"
    experiments.mkdir()
    text = resources.files("jetstream_argo.demo").joinpath("experiment.toml").read_text()
    (experiments / "sidebar-layout.toml").write_text(text)
    engine = EmbeddedEngine(tmp_path / "warehouse")
    for name in ("daily_activity", "daily_searches", "interactions"):
        columns = [*(Column(text, "STRING") for text in ("client_id", "experiments", "engine", "source"))]
        columns += [Column("submission_date", "DATE"), Column("searches", "INT64"), Column("ad_clicks", "INT64")]
        rows = [{"client_id": "a", "submission_date": date(2026, 3, 20)}]
        engine.load(f"demo.{name}", rows, columns, write=Write.TRUNCATE, labels={}, layout=Layout("submission_date"))
    monkeypatch.setenv("JETSTREAM_BYTES_PER_DAY", most)
    command = ["submit-due", "--experiments", str(experiments), "--image", "i@sha256:0", "--date", "2026-03-20"]
    command += ["--warehouse", f"embedded:{tmp_path / 'warehouse'}", "--output", str(tmp_path / "out")]

    assert exit_code_of(command) == code

    assert ("failed: sidebar-layout: " in capsys.readouterr().out) == bool(code)
    assert len([*(tmp_path / "out").iterdir()]) == written


@pytest.mark.parametrize(
    ("address", "limited"),
    [
        ("bigquery:p", "bigquery:p?maximum_bytes_billed=10000000000000"),
        ("bigquery:p?location=EU", "bigquery:p?location=EU&maximum_bytes_billed=10000000000000"),
        ("bigquery:p?maximum_bytes_billed=5", "bigquery:p?maximum_bytes_billed=5"),
        ("embedded:/warehouse?timeout_seconds=9", "embedded:/warehouse?timeout_seconds=9"),
    ],
)
def test_every_pod_gets_the_overlays_limit_on_a_query_unless_the_address_has_its_own(
    tmp_path, monkeypatch, address, limited
):
    settings = next(yaml.safe_load_all((ROOT / "k8s/overlays/gke/settings.yaml").read_text()))
    monkeypatch.setenv(MOST_BYTES, settings["data"][MOST_BYTES])
    experiment = resources.files("jetstream_argo.demo").joinpath("experiment.toml")
    out = tmp_path / "workflow.yaml"
    command = ["workflow", str(experiment), "--as-of", "2026-03-20", "--image", "i@sha256:0", "-o", str(out)]

    assert exit_code_of([*command, "--warehouse", address]) == 0

    parameters = yaml.safe_load(out.read_text())["spec"]["arguments"]["parameters"]
    assert [parameter["value"] for parameter in parameters if parameter["name"] == "warehouse"] == [limited]


def test_a_limit_that_is_no_number_of_bytes_is_refused(monkeypatch, capsys):
    monkeypatch.setenv(MOST_BYTES, "10 TB")

    assert exit_code_of(["tables", "--warehouse", "bigquery:p"]) == 2
    assert "has to be a whole number of bytes" in capsys.readouterr().err
