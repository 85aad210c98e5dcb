"""`synthesize` makes up what any configuration reads, and leaves alone what was not made up."""

from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine

_CONFIG = Path(__file__).parents[2] / "examples" / "shop" / "checkout.toml"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _synthesize(*more: str) -> int:
    return exit_code_of(["synthesize", str(_CONFIG), "--as-of", "2026-06-15", "--units", "60", *more])


def _orders() -> tuple[tuple[object, ...], ...]:
    query = Sql("SELECT * FROM shop.orders ORDER BY day, customer_id, order_id")
    return EmbeddedEngine(Path(".jetstream")).query(query, labels={}).rows


def test_a_configuration_can_be_run_on_what_is_made_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _synthesize() == 0

    printed = capsys.readouterr().out
    assert "shop.assignments: " in printed
    assert f"next: jetstream-argo run {_CONFIG} --as-of 2026-06-15" in printed
    assert exit_code_of(["plan", str(_CONFIG), "--as-of", "2026-06-15", "--warehouse", "embedded:.jetstream"]) == 0
    first = _orders()
    assert _synthesize() == 0
    assert _orders() == first
    assert _synthesize("--seed", "2") == 0
    assert _orders() != first


def test_tables_that_were_loaded_are_not_replaced_unasked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "orders.csv").write_text("order_id,customer_id,day,amount\n1,a,2026-05-04,2.5\n")
    exit_code_of(["load", "shop.orders", "orders.csv"])

    assert _synthesize() == 2

    assert "holds rows that were not made up" in capsys.readouterr().err
    assert len(_orders()) == 1
    assert _synthesize("--replace") == 0
    assert len(_orders()) > 1


def test_effects_of_what_is_not_there_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "effects.toml").write_text(
        '[[effects]]\ntable = "shop.orders"\ncolumn = "amuont"\nuplifts = { new = 0.1 }\n'
    )

    assert _synthesize("--effects", "effects.toml") == 2
    assert "amuont" in capsys.readouterr().err
