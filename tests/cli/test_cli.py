"""What the commands do for a person, from the first file to the last number."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from jetstream_argo.plan import codec
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.duckdb.writers import is_locked
from tests.worlds.checkout import AS_OF, EXPERIMENT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Runs `jetstream-argo` in a folder that holds the experiment."""
    (tmp_path / "checkout.toml").write_text(EXPERIMENT)

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        program = "from jetstream_argo.cli.main import main; main()"
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600
        )

    return run


@pytest.fixture
def telemetry(tmp_path: Path) -> None:
    """Rows for the experiment, in the warehouse that commands use by default."""
    (tmp_path / "checkout.toml").write_text(EXPERIMENT)
    as_of = date.fromisoformat(AS_OF) + timedelta(days=1)
    plan = plan_experiment(str(tmp_path / "checkout.toml"), ConfigSources(), as_of=as_of).plan
    generate(plan, EmbeddedEngine(tmp_path / ".jetstream"), units=200, seed=1)


def test_a_plan_is_described_and_written(command: Command, tmp_path: Path) -> None:
    done = command("plan", "checkout.toml", "--as-of", AS_OF, "-o", "plan.json")

    assert done.returncode == 0, done.stderr
    assert "branches old, new, reference old" in done.stdout
    assert "from 1 daily partial" in done.stdout
    assert codec.read(tmp_path / "plan.json").experiment.slug == "checkout"


def test_the_graph_names_every_node(command: Command, tmp_path: Path) -> None:
    done = command("graph", "checkout.toml", "--as-of", AS_OF, "--svg", "graph.svg")

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("flowchart")
    assert "stats-week-revenue" in done.stdout
    assert "<svg" in (tmp_path / "graph.svg").read_text()


@pytest.mark.usefixtures("telemetry")
def test_a_run_computes_what_is_due_and_a_second_one_has_nothing_to_do(command: Command, tmp_path: Path) -> None:
    first = command("run", "checkout.toml", "--as-of", AS_OF)
    locks = list((tmp_path / ".jetstream" / ".writers").glob("*.lock"))
    left = [path for path in locks if not is_locked(path)]
    second = command("run", "checkout.toml", "--as-of", AS_OF)
    results = command("results", "checkout", "--format", "json", "--metrics", "orders")

    assert first.returncode == 0, first.stderr
    assert left == []
    assert second.returncode == 0
    assert "nothing to do: all 7 nodes are up to date" in second.stdout
    rows = json.loads(results.stdout)
    assert {row["metric"] for row in rows} == {"orders"}
    assert sum(row["point"] for row in rows) >= 190


@pytest.mark.usefixtures("telemetry")
def test_broken_sql_is_told_by_the_exit_code_and_by_the_status(command: Command, tmp_path: Path) -> None:
    text = EXPERIMENT.replace("COUNT(order_id)", "COUNT(no_such_column)")
    (tmp_path / "checkout.toml").write_text(text)

    done = command("run", "checkout.toml", "--as-of", AS_OF)
    status = command("status", "checkout")
    results = command("results", "checkout", "--format", "json", "--metrics", "revenue")

    assert done.returncode == 2
    assert "no_such_column" in done.stderr
    assert "no_such_column" in status.stdout
    assert json.loads(results.stdout)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("plan",), "name an experiment"),
        (("plan", "checkout.toml", "--as-of", "tomorrow"), "'tomorrow' is not a date"),
        (("plan", "chekout.toml"), "there is no such file"),
        (("plan", "checkout"), "say where experiments are"),
        (("run", "checkout.toml", "--as-of", AS_OF, "--metrics", "revnue"), "did you mean 'revenue'"),
        (("task", "--node", "enrollments"), "no plan"),
    ],
)
def test_a_mistake_is_explained_without_a_traceback(command: Command, arguments: tuple[str, ...], message: str) -> None:
    done = command(*arguments)

    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_node_is_refused_with_the_nearest(command: Command) -> None:
    command("plan", "checkout.toml", "--as-of", AS_OF, "-o", "plan.json")

    done = command("task", "--plan", "plan.json", "--node", "day-order")

    assert done.returncode == 2
    assert "did you mean 'day-orders'" in done.stderr


def test_before_anything_is_due_a_run_says_so(command: Command) -> None:
    done = command("run", "checkout.toml", "--as-of", "2026-05-04")

    assert done.returncode == 0
    assert "nothing is due by 2026-05-04" in done.stdout
