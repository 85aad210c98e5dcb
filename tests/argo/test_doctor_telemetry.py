"""`doctor` says which telemetry the account may be given a part of, without an error from any query."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.dialect.types import Column
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.connect import connect
from jetstream_argo.warehouse.types import Write
from tests.warehouse.bigquery.fake_server.server import PROJECT, FakeBigQuery, serving

EXPERIMENT = """
[experiment]
slug = "new-checkout"
branches = ["control", "treatment"]
reference_branch = "control"
start_date = {start}
enrollment_period = 3
enrollment_query = '''
  SELECT user_id AS analysis_id, branch, MIN(day) AS enrollment_date FROM shop.assignments GROUP BY user_id, branch
'''

[data_sources.orders]
from_expression = "shop.recent_orders"
client_id_column = "user_id"
submission_date_column = "day"
experiments_column_type = "none"

[metrics]
weekly = ["revenue"]

[metrics.revenue]
data_source = "orders"
select_expression = "SUM(amount)"

[metrics.revenue.statistics.count]
"""
DEFINITIONS = """
[data_sources.orders]
from_expression = "shop.recent_orders"
client_id_column = "user_id"
submission_date_column = "day"

[metrics.revenue]
data_source = "orders"
select_expression = '{{ agg_sum("amount") }}'
"""
ROWS = {
    "assignments": ({"user_id": "a", "branch": "control", "day": date(2026, 5, 4)}, ("STRING", "STRING", "DATE")),
    "orders": (
        {"user_id": "a", "day": date(2026, 5, 4), "amount": 1.0, "card": "1"},
        ("STRING", "DATE", "FLOAT64", "STRING"),
    ),
}


@pytest.fixture
def fake(tmp_path: Path) -> FakeBigQuery:
    return FakeBigQuery(tmp_path / "warehouse", datasets=["shop", "jetstream"])


@pytest.fixture
def warehouse(fake: FakeBigQuery) -> Iterator[str]:
    with serving(fake) as url:
        address = (
            f"bigquery:{PROJECT}?api_endpoint={url}&retry_seconds=1&first_delay_seconds=0.01&longest_poll_seconds=0.05"
        )
        engine = connect(address, attempt="telemetry")
        for name, (row, types) in ROWS.items():
            columns = [Column(column, kind) for column, kind in zip(row, types, strict=True)]
            engine.load(f"shop.{name}", [row], columns, write=Write.TRUNCATE, labels={})
        engine.create_view("shop.recent_orders", Sql("SELECT * FROM shop.orders"), labels={})
        yield address


@pytest.fixture
def experiments(tmp_path: Path) -> str:
    start = datetime.now(UTC).date() - timedelta(days=20)
    (tmp_path / "experiments").mkdir()
    (tmp_path / "experiments" / "new-checkout.toml").write_text(EXPERIMENT.format(start=start))
    return str(tmp_path / "experiments")


@pytest.fixture
def definitions(tmp_path: Path) -> str:
    (tmp_path / "hub" / "definitions").mkdir(parents=True)
    (tmp_path / "hub" / "definitions" / "shop.toml").write_text(DEFINITIONS)
    return str(tmp_path / "hub")


def told(capsys: pytest.CaptureFixture[str], warehouse: str, *options: str) -> str:
    """Return the line about telemetry: no restriction is called a fault, since it may leave nothing out."""
    assert exit_code_of(["doctor", "--no-cluster", "--warehouse", warehouse, *options]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if ": telemetry: " in line]
    return line


def test_tables_without_restrictions_are_called_whole(
    warehouse: str, experiments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    line = told(capsys, warehouse, "--experiments", experiments)

    assert line.startswith("ok: telemetry: 2 tables")


def test_row_policies_and_tags_behind_live_experiments_are_named_those_of_enrollments_too(
    fake: FakeBigQuery, warehouse: str, experiments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.catalog.policies.row_policies |= {f"{PROJECT}.shop.assignments", f"{PROJECT}.shop.orders"}
    fake.catalog.policies.tag(f"{PROJECT}.shop.orders", "card")

    line = told(capsys, warehouse, "--experiments", experiments)

    assert line.startswith("unknown: telemetry: numbers may be partial without an error")
    assert "shop.assignments has row access policies (own_rows)" in line
    assert "shop.orders has row access policies (own_rows)" in line
    assert "card" not in line  # which no metric uses


def test_a_masked_column_that_a_metric_of_the_definitions_uses_is_named(
    fake: FakeBigQuery, warehouse: str, definitions: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.catalog.policies.tag(f"{PROJECT}.shop.orders", "amount")

    line = told(capsys, warehouse, "--definitions", definitions)

    assert "shop.orders: amount bear policy tags" in line


def test_what_the_account_may_not_look_at_is_unknown_and_not_called_whole(
    fake: FakeBigQuery, warehouse: str, experiments: str, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.catalog.policies.may_list_row_policies = False

    line = told(capsys, warehouse, "--experiments", experiments)

    assert line.startswith("unknown: telemetry: ")
    assert "may not list row access policies (bigquery.rowAccessPolicies.list) of shop.assignments, shop.orders" in line


def test_without_experiments_and_definitions_nobody_knows_what_is_read(
    warehouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(capsys, warehouse).startswith("unknown: telemetry: neither live experiments nor data sources")
