"""`size` says which effects an experiment could find, from telemetry that is there before it starts."""

import json
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of

_CONFIG = str(Path(__file__).parents[2] / "examples" / "shop" / "checkout.toml")


def test_an_experiment_is_sized_from_the_telemetry_of_a_past_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    common = [_CONFIG, "--as-of", "2026-06-15"]
    assert exit_code_of(["synthesize", *common, "--units", "100"]) == 0
    capsys.readouterr()

    size = ["size", *common, "--weeks", "1", "--population", "2000,8000", "--json", "--plot", "size.svg", "-j", "1"]
    assert exit_code_of(size) == 0

    found = json.loads(capsys.readouterr().out)["sizes"]
    assert {(size["metric"], size["weeks"], size["units"]) for size in found} == {
        (metric, 1, units) for metric in ("basket", "orders", "revenue") for units in (2000, 8000)
    }
    assert {size["adjusted"] for size in found} == {True, False}
    assert (tmp_path / "size.svg").read_text().startswith("<svg")

    assert exit_code_of(["size", _CONFIG, "--as-of", "2025-06-15", "--weeks", "1", "-j", "1"]) == 2
    assert "nothing can be sized" in capsys.readouterr().err


@pytest.mark.parametrize("option", [["--weeks", "0"], ["--weeks", "3..2"], ["--population", "many"], ["--plan", "p"]])
def test_what_is_no_size_is_refused(option: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code_of(["size", _CONFIG, *option]) == 2

    assert capsys.readouterr().err
