"""`plan --warehouse` and `run` tell what is wrong in the files before anything is run."""

from datetime import date
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.dialect.types import Column
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.worlds.checkout import AS_OF, EXPERIMENT


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a warehouse of empty tables, as the current one."""
    monkeypatch.chdir(tmp_path)
    engine = EmbeddedEngine(tmp_path / ".jetstream")
    unit, day = Column("client_id", "STRING"), Column("submission_date", "DATE")
    tables = {
        "shop.assignments": [unit, day, Column("branch", "STRING"), Column("experiment", "STRING")],
        "shop.orders": [unit, day, Column("amount", "FLOAT64"), Column("order_id", "STRING")],
    }
    for name, columns in tables.items():
        engine.load(name, [], columns, write=Write.TRUNCATE, labels={})
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], text: str, command: str, *options: str) -> tuple[int, str]:
    """Do a command about an experiment; return its exit code and what it printed, on one line."""
    Path("checkout.toml").write_text(text)
    code = exit_code_of([command, "checkout.toml", "--as-of", AS_OF, *options])
    captured = capsys.readouterr()
    return code, " ".join((captured.out + captured.err).split())


def enroll(place: Path) -> None:
    """Put a unit into each branch."""
    columns = [Column("client_id", "STRING"), Column("submission_date", "DATE"), Column("branch", "STRING")]
    columns.append(Column("experiment", "STRING"))
    rows = [
        {"client_id": branch, "submission_date": date(2026, 5, 4), "branch": branch, "experiment": "checkout"}
        for branch in ("old", "new")
    ]
    EmbeddedEngine(place / ".jetstream").load("shop.assignments", rows, columns, write=Write.TRUNCATE, labels={})


WRONG = (
    "checkout.toml: metrics.revenue.select_expression: column 'amont' is not among those of [data_sources.orders]; "
    "did you mean 'amount'?"
)


@pytest.mark.parametrize("command", ["plan", "validate", "run"])
def test_every_command_tells_the_same(place: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    if command == "validate":
        pytest.importorskip("zetasql")
    enroll(place)
    code, output = told(
        capsys, EXPERIMENT.replace("SUM(amount)", "SUM(amont)"), command, "--warehouse", "embedded:.jetstream"
    )

    assert code == 2
    assert WRONG in output


def test_a_run_of_which_nothing_could_be_computed_does_not_start(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = EXPERIMENT.replace("MIN(submission_date)", "MIN(submision_date)")

    code, output = told(capsys, text, "run")

    assert code == 2
    assert "checkout.toml: experiment.enrollment_query: column 'submision_date' is not among those of its" in output
    plan = plan_experiment("checkout.toml", ConfigSources(), as_of=date.fromisoformat(AS_OF)).plan
    assert EmbeddedEngine(place / ".jetstream").tables(plan.dataset) == ()


def test_only_what_is_asked_for_keeps_a_run_from_starting(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = EXPERIMENT.replace("SUM(amount)", "SUM(amont)")

    code, output = told(capsys, text, "run", "--metrics", "revenue")
    _, other = told(capsys, text, "run", "--metrics", "orders")

    assert (code, WRONG in output) == (2, True)
    assert "nodes" not in output
    assert WRONG not in other
    assert "no unit enrolled" in other


def test_a_plan_with_a_warehouse_is_still_a_plan(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, output = told(capsys, EXPERIMENT, "plan", "--warehouse", "embedded:.jetstream", "-o", "plan.json")

    assert code == 0
    assert "error" not in output
    assert Path("plan.json").is_file()
