"""The queries of docs/operations.md run, and find what a small experiment has recorded."""

import json
import re
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.connect import connect
from tests.run.test_reported_cases import case

_PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
_QUERIES = re.findall(r"```sql\n(.*?)```", _PAGE.read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Where an experiment was analysed, and its table of what was done."""
    folder = tmp_path_factory.mktemp("operations")
    pipeline = case(folder, rows="shop.events", date_column="day", metric="COUNT(day)")
    warehouse = f"embedded:{folder / 'warehouse'}"
    run = ["run", str(folder / "case.toml"), "--as-of", "2026-05-19", "--warehouse", warehouse, "--jobs", "1"]
    assert exit_code_of(run) == 0
    return warehouse, names.status(pipeline.plan)


def test_there_are_queries():
    assert len(_QUERIES) == 4


@pytest.mark.parametrize("query", _QUERIES, ids=range(len(_QUERIES)))
def test_a_query_of_the_page_runs_over_what_was_recorded(recorded, query):
    warehouse, table = recorded

    rows = connect(warehouse, attempt="look").query(Sql(query.replace("TABLE\n", f"`{table}`\n")), labels={}).rows

    assert bool(rows) != ("state = 'failed'" in query)


def test_the_status_of_all_experiments_is_a_line_for_each(recorded, capsys):
    warehouse, _ = recorded

    assert exit_code_of(["status", "--all", "--format", "json", "--warehouse", warehouse]) == 0

    (row,) = json.loads(capsys.readouterr().out)
    assert row["experiment"] == "case"
    assert row["complete until"] is not None
    assert (row["lacking"], row["failures"]) == (0, 0)


def test_the_status_is_of_one_experiment_or_of_all(recorded, capsys):
    warehouse, _ = recorded

    assert exit_code_of(["status", "case", "--all", "--warehouse", warehouse]) == 2
    assert exit_code_of(["status", "--all", "--format", "csv", "--warehouse", warehouse]) == 2
    err = capsys.readouterr().err
    assert "an experiment or --all, not both" in err
    assert "--all has the formats table and json" in err
