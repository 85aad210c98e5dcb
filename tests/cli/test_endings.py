"""What `run` says before and after, and the record that it writes."""

import json
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.plan.planner import ConfigSources, plan_experiment
from jetstream_argo.synthetic.generate import generate
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds.checkout import AS_OF, EXPERIMENT

LATER = (date.fromisoformat(AS_OF) + timedelta(days=7)).isoformat()
BROKEN = EXPERIMENT.replace("COUNT(order_id)", "COUNT(no_such_column)")


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


def did(*arguments: str) -> Ended:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = exit_code_of(arguments)
    return Ended(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Ended]]:
    """How it went: foreseen, run, run again, a week later foreseen, and run with a metric that is wrong by then."""
    folder, before = tmp_path_factory.mktemp("endings"), Path.cwd()
    os.chdir(folder)
    try:
        Path("checkout.toml").write_text(EXPERIMENT)
        plan = plan_experiment("checkout.toml", ConfigSources(), as_of=date.fromisoformat(LATER)).plan
        list(generate(plan, EmbeddedEngine(folder / ".jetstream"), units=60, seed=1))
        run = ("run", "checkout.toml", "--jobs", "2", "--as-of")
        found = {"foreseen": did(*run, AS_OF, "--dry-run")}
        found["first"] = did(*run, AS_OF, "--json", "-o", "record.json")
        found["written"] = Ended(0, Path("record.json").read_text(), "")
        found["again"] = did(*run, AS_OF)
        found["later"] = did("plan", "checkout.toml", "--as-of", LATER, "--warehouse", "embedded:.jetstream")
        Path("checkout.toml").write_text(BROKEN)
        found["broken"] = did(*run, LATER, "-o", "broken.json")
        found["broken record"] = Ended(0, Path("broken.json").read_text(), "")
        yield found
    finally:
        os.chdir(before)


def record(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found


def test_a_dry_run_says_what_would_be_computed_and_read(ended: dict[str, Ended]) -> None:
    foreseen = ended["foreseen"]

    assert foreseen.code == 0
    assert "To compute: 2 of 2 windows of metrics: 0 there already, 2 new, 0 changed" in foreseen.out
    assert "To read: 12 dates of telemetry" in foreseen.out
    assert "2026-05-04 … 2026-05-12 │ not read yet" in foreseen.out


def test_the_record_of_a_run_is_json_and_nothing_else(ended: dict[str, Ended]) -> None:
    found = record(ended["first"].out)

    assert ended["written"].out == ended["first"].out
    assert (found["experiment"], found["exit_code"], found["failed"]) == ("checkout", 0, [])
    assert {"metric": "revenue", "period": "week", "windows": 1} in found["computed"]
    assert {reading["source"]: reading["dates"] for reading in found["read"]} == {"enrollments": 3, "orders": 9}
    assert {node["state"] for node in found["nodes"]} == {"succeeded"}
    assert sum(branch["units"] for branch in found["units"]["branches"]) >= 60  # a unit in two branches counts in both


def test_what_to_type_next_is_said_last(ended: dict[str, Ended]) -> None:
    report = "      jetstream-argo report checkout -o checkout.html"

    assert ended["first"].err.rstrip().endswith(f"next: jetstream-argo results checkout\n{report}")
    assert ended["again"].out.startswith("nothing to do: all 7 nodes are up to date")
    assert ended["again"].out.rstrip().endswith(report)


def test_a_week_later_only_that_week_is_new(ended: dict[str, Ended]) -> None:
    later = ended["later"].out

    assert "To compute: 2 of 4 windows of metrics: 2 there already, 2 new, 0 changed" in later
    assert "To read: 7 dates of telemetry" in later


def test_what_failed_is_said_with_the_reason_and_the_way_on(ended: dict[str, Ended]) -> None:
    broken = ended["broken"]
    lines = broken.out.splitlines()

    assert broken.code == 2
    assert any(line.startswith("failed: orders") and "no_such_column" in line for line in lines)
    assert "computed: revenue (windows: week 1)" in lines
    assert lines[-2:] == [
        "next: correct what failed and run it again: what was computed stays",
        "      jetstream-argo status checkout --lacking",
    ]
    failed = record(ended["broken record"].out)["failed"]
    assert {failure["metric"] for failure in failed} == {"orders"}
    assert all(failure["error"] and failure["message"] for failure in failed)
