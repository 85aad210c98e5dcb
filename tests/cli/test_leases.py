"""Commands that write one experiment's tables keep out of one another's way, and say who is in theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.plan import codec
from jetstream_argo.run.leasing import alone, writing
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.upkeep.test_shred import units
from tests.worlds.upkeep import analysed, plan_of, tables, telemetry

PLAN = plan_of("try-it")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    telemetry(tmp_path)
    analysed(tmp_path, "try-it")
    (tmp_path / "plan.json").write_bytes(codec.dump(PLAN))
    return tmp_path


@contextmanager
def held(root: Path, *, exclusive: bool) -> Iterator[None]:
    lease = alone if exclusive else writing
    with lease(EmbeddedEngine(root), PLAN, holder="somebody else"):
        yield


def call(root: Path, command: str, *arguments: str) -> int:
    return exit_code_of([command, "--warehouse", f"embedded:{root}", *arguments])


def task(root: Path, *arguments: str) -> int:
    return call(root, "task", "--plan", str(root / "plan.json"), "--node", "week-activity", *arguments)


@pytest.mark.parametrize("exclusive", [False, True])
@pytest.mark.parametrize(
    "command",
    [
        ("shred", "try-it", "--dataset", "results", "--ids", "a", "--yes"),
        ("delete", "try-it", "--dataset", "results", "--yes"),
        ("delete", "--plan", "plan.json", "--metrics", "hours", "--yes"),
    ],
)
def test_what_takes_rows_away_is_refused_while_somebody_writes_and_names_them(
    root: Path,
    command: tuple[str, ...],
    exclusive: bool,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(root)
    there, who = tables(root), units(root)

    with held(root, exclusive=exclusive):
        code = call(root, *command)

    assert code == 75
    assert "held by somebody else" in capsys.readouterr().err
    assert (tables(root), units(root)) == (there, who)
    assert call(root, *command, "--wait", "10") == 0


def test_a_task_waits_for_what_takes_rows_away_and_then_ends_with_75(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with held(root, exclusive=True):
        assert task(root, "--wait", "0.1") == 75
        assert "held by somebody else" in capsys.readouterr().err

    assert task(root) == 0


def test_tasks_write_beside_one_another(root: Path) -> None:
    with held(root, exclusive=False):
        assert task(root, "--wait", "0") == 0


def test_commands_that_read_wait_for_nobody(root: Path) -> None:
    place = ("--dataset", "results")

    with held(root, exclusive=True):
        assert call(root, "results", "try-it", *place) == 0
        assert call(root, "status", "try-it", *place) == 0


def test_leases_of_one_experiment_keep_nobody_out_of_another(root: Path) -> None:
    analysed(root, "try_it")

    with held(root, exclusive=True):
        assert call(root, "shred", "try_it", "--dataset", "results", "--ids", "a", "--yes") == 0
