"""What `validate` tells a person."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.dialect.types import Column
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.checkout import WITHOUT_METRICS

EXPERIMENT = f"""{WITHOUT_METRICS}[metrics]
weekly = ["revenue"]

[metrics.revenue]
data_source = "orders"
select_expression = "SUM(price)"

[metrics.revenue.statistics.bootstrap_mean]
"""
ORDERS = (Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("price", "FLOAT64"))
ASSIGNMENTS = (
    Column("client_id", "STRING"),
    Column("submission_date", "DATE"),
    Column("experiment", "STRING"),
    Column("branch", "STRING"),
)

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what validates an experiment; it gives the exit code and what was printed."""

    def validate(text: str, *options: str) -> tuple[int, str]:
        file = tmp_path / "checkout.toml"
        file.write_text(text, encoding="utf-8")
        code = exit_code_of(["validate", str(file), "--as-of", "2026-05-31", *options])
        captured = capsys.readouterr()
        return code, " ".join((captured.out + captured.err).split())

    return validate


@pytest.fixture
def warehouse(tmp_path: Path) -> str:
    """Return the URL of a warehouse that has the telemetry's tables."""
    engine = EmbeddedEngine(tmp_path / "warehouse")
    row = {"client_id": "a", "submission_date": None}
    engine.load("shop.orders", [row], ORDERS, write=Write.TRUNCATE, labels={})
    engine.load("shop.assignments", [row], ASSIGNMENTS, write=Write.TRUNCATE, labels={})
    return f"embedded:{tmp_path / 'warehouse'}"


def test_an_experiment_that_is_right_exits_0_and_says_what_was_taken_for_granted(run: Run) -> None:
    code, printed = run(EXPERIMENT)

    assert code == 0
    assert "all of them right" in printed
    assert "The columns of 2 tables were taken from the SQL itself" in printed


def test_a_metric_that_is_wrong_exits_2_and_is_named(run: Run, warehouse: str) -> None:
    code, printed = run(EXPERIMENT.replace("SUM(price)", "SUM(prize)"), "--warehouse", warehouse)

    assert code == 2
    assert "revenue: Unrecognized name: prize; Did you mean price?" in printed
    assert "1 of 1 metrics are wrong" in printed


def test_only_the_metrics_that_are_asked_for_are_judged(run: Run, warehouse: str) -> None:
    wrong = EXPERIMENT.replace('weekly = ["revenue"]', 'weekly = ["revenue", "prizes"]') + (
        '[metrics.prizes]\ndata_source = "orders"\nselect_expression = "SUM(prize)"\n[metrics.prizes.statistics.sum]\n'
    )

    code, printed = run(wrong, "--warehouse", warehouse, "--metrics", "revenue")

    assert code == 0
    assert "prize" not in printed
    assert run(wrong, "--warehouse", warehouse, "--source", "orders")[0] == 2
    assert "did you mean 'revenue'" in run(wrong, "--warehouse", warehouse, "--metrics", "revenu")[1]


def test_what_depends_on_guessed_types_exits_0_and_says_which_tables_to_describe(run: Run, tmp_path: Path) -> None:
    experiment = EXPERIMENT.replace("SUM(price)", "MAX(grade)")

    code, printed = run(experiment)

    assert code == 0
    assert "revenue could not be checked: " in printed
    assert "depends on the types of the columns of shop.orders, which were only guessed" in printed
    assert "nothing is known to be wrong, and 1 metric could not be checked" in printed

    schema = tmp_path / "schema.json"
    schema.write_text(
        '{"shop.orders": {"client_id": "STRING", "submission_date": "DATE", "grade": "STRING"}}', encoding="utf-8"
    )
    assert run(experiment, "--schema", str(schema))[0] == 2


def test_a_warehouse_says_what_it_would_cost(run: Run, warehouse: str) -> None:
    code, printed = run(EXPERIMENT, "--warehouse", warehouse)

    assert code == 0
    assert "of telemetry: about $0.00" in printed
    assert "taken from the SQL itself" not in printed


def test_over_the_budget_it_exits_2(run: Run, warehouse: str) -> None:
    code, printed = run(EXPERIMENT, "--warehouse", warehouse, "--max-bytes", "10")

    assert code == 2
    assert "and 10 are allowed" in printed


def test_a_budget_without_a_warehouse_is_refused(run: Run) -> None:
    code, printed = run(EXPERIMENT, "--max-bytes", "10")

    assert code == 2
    assert "--max-bytes needs --warehouse" in printed


def test_a_mistake_is_told_with_its_file_and_key_where_the_columns_are_known(run: Run, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    tables = {"shop.orders": ORDERS, "shop.assignments": ASSIGNMENTS}
    schema.write_text(json.dumps({name: {c.name: c.type for c in columns} for name, columns in tables.items()}))
    text = EXPERIMENT.replace("SUM(price)", "SUM(prize)")

    code, output = run(text, "--schema", str(schema))
    _, guessed = run(text)

    mistake = "metrics.revenue.select_expression: column 'prize' is not among those of [data_sources.orders]"
    assert code == 2
    assert mistake in " ".join(output.split())
    assert "did you mean 'price'?" in " ".join(output.split())
    assert "In the files" not in guessed


def test_a_source_that_reads_dates_of_its_own_is_named_with_its_cost_and_is_no_mistake(
    run: Run, warehouse: str
) -> None:
    others = "(SELECT DISTINCT client_id FROM shop.assignments WHERE submission_date >= '2026-01-01')"
    text = EXPERIMENT.replace('"shop.orders"', f'"(SELECT o.* FROM shop.orders o JOIN {others} USING (client_id))"')
    code, printed = run(text)
    code_with_warehouse, with_cost = run(text, "--warehouse", warehouse)

    assert (code, code_with_warehouse) == (0, 0)
    named = "orders reads dates of its own: shop.assignments where submission_date >= '2026-01-01'."
    assert named in printed
    assert named in with_cost
    assert re.search(
        r"all of that is read, again on every day with new dates \([\d.,]+ k?B\)", " ".join(with_cost.split())
    )
