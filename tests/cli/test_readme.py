"""What the README tells a new user to type works as it stands there, in an empty home."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_README = (_ROOT / "README.md").read_text()
_COMMAND = f'#!/bin/sh\nexec "{sys.executable}" -c "from jetstream_argo.cli.main import main; main()" "$@"\n'


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder with what the repository ships, and a home with nothing in it."""
    shutil.copytree(_ROOT / "examples", tmp_path / "clone" / "examples")
    (tmp_path / "home").mkdir()
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "jetstream-argo"
    command.write_text(_COMMAND)
    command.chmod(0o755)
    return tmp_path / "clone"


def _typed(program: list[str], text: str, clone: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JETSTREAM_")}
    environment = kept | {
        "HOME": str(clone.parent / "home"),
        "PATH": f"{clone.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(_ROOT),
    }
    done = subprocess.run(
        [*program, text], cwd=clone, env=environment, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", _README, re.MULTILINE | re.DOTALL)


def _lines(text: str) -> list[str]:
    """The lines of a text, whatever the spaces between its words."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_a_new_user_gets_numbers_from_the_files_that_are_there(clone: Path) -> None:
    printed = [_typed(["sh", "-e", "-c"], block, clone) for block in _blocks("sh")]

    assert "shop.orders: 24,485 rows from examples/shop/orders.csv.gz, into .jetstream" in printed[0]
    assert "shop.assignments: 3,000 rows, day 2026-05-04 … 2026-05-10" in printed[0]
    lines = _lines(printed[-1])
    assert "To compute: 14 of 14 windows of metrics: 0 there already, 14 new, 0 changed" in lines
    assert "computed: revenue (windows: preenrollment_week 1, week 5, overall 1)" in lines
    assert "next: jetstream-argo results new-checkout" in lines
    (shown,) = _blocks("text")
    assert set(_lines(shown)) <= set(lines)
    assert (clone / "checkout.html").read_text().startswith("<!doctype html>")


def test_python_gives_a_frame(clone: Path) -> None:
    (block,) = _blocks("python")

    assert "revenue" in _typed([sys.executable, "-c"], block, clone)


def test_the_configuration_that_is_shown_is_the_one_that_is_shipped() -> None:
    (block,) = _blocks("toml")

    assert (_ROOT / "examples" / "shop" / "checkout.toml").read_text().endswith(block)
