"""Tests and benchmarks that the pages name are there, and every behaviour of BigQuery on the page has one."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]
_PAGES = sorted((_ROOT / "docs").glob("*.md"))
_FILES = {path.name for folder in ("tests", "benchmarks") for path in (_ROOT / folder).rglob("*.py")}
_TESTED = (_ROOT / "docs" / "warehouse.md").read_text().partition("## What was tested how")[2]
_ROWS = [line for line in _TESTED.splitlines() if line.startswith("| ") and "---" not in line]


def _defined(file: str) -> set[str]:
    (path,) = (_ROOT / "tests").rglob(file)
    return set(re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", _PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`(?:tests|benchmarks)?/?(?:[\w/]+/)?(test_\w+\.py)`|`benchmarks/(\w+\.py)`", page.read_text())

    assert {name for names in named for name in names if name} <= _FILES


def test_tests_that_only_the_service_can_pass_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (_ROOT / "docs" / "warehouse.md").read_text()))

    assert len(named) > 8
    assert named <= _defined("test_bigquery_service.py")


def test_every_behaviour_says_what_tests_it() -> None:
    assert len(_ROWS) > 25
    untested = [row for row in _ROWS if "`" not in row.rstrip(" |").rpartition(" | ")[2]]

    assert [row.split(" | ")[0] for row in untested] == ["| what the service does", "| only the service shows"]
