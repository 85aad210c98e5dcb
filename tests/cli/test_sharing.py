"""The command that reads sources once for all live experiments."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from tests.worlds.pipeline import START
from tests.worlds.several import Several, configured

EXPERIMENT = """
[experiment]
slug = "SLUG"
app_name = "app"
branches = ["control", "treatment"]
reference_branch = "control"
start_date = "2026-05-04"
enrollment_period = 1
enrollment_query = \"\"\"
SELECT unit AS analysis_id, branch, MIN(day) AS enrollment_date, COUNT(*) AS num_enrollment_events
FROM telemetry.assignments WHERE slug = 'SLUG' GROUP BY unit, branch
\"\"\"

[data_sources.plain]
from_expression = "telemetry.plain"
experiments_column_type = "none"

[metrics]
daily = ["hours"]

[metrics.hours]
select_expression = "SUM(hours)"
data_source = "plain"
statistics = { count = {} }
"""


@pytest.fixture
def world(tmp_path: Path) -> Several:
    """Files of two experiments, and a warehouse with what they read."""
    made = Several(tmp_path / "warehouse", (configured("first"), configured("second")))
    made.fill(1)
    made.as_of = START + timedelta(days=2)
    folder = tmp_path / "experiments"
    folder.mkdir()
    for slug in ("first", "second"):
        (folder / f"{slug}.toml").write_text(EXPERIMENT.replace("SLUG", slug))
    return made


def shared_scan(world: Several, *arguments: str) -> int:
    where = ["--warehouse", f"embedded:{world.root}", "--dataset", "results"]
    return exit_code_of(["shared-scan", *where, *arguments])


def of_all(world: Several, *arguments: str) -> int:
    experiments = ["--experiments", str(world.root.parent / "experiments"), "--date", str(world.as_of)]
    return shared_scan(world, *experiments, "--jobs", "2", *arguments)


def test_what_pays_is_read_and_it_is_said_what_does_not(world: Several, capsys: pytest.CaptureFixture[str]) -> None:
    assert of_all(world) == 0
    small = capsys.readouterr().out
    assert of_all(world, "--always", "plain") == 0
    read = capsys.readouterr().out
    assert of_all(world, "--always", "plain") == 0

    assert small.startswith("left to each: plain: 3 dates for 2 experiments, ")
    assert small.endswith(", which does not pay\n")
    assert read.startswith("shared: plain: 3 dates for 2 experiments, ")
    assert read.endswith(", as --always says\nread plain by 1 query\n")
    assert capsys.readouterr().out == (
        "left to each: plain, of 2 experiments: what is missing was read for all already\n"
    )
    assert {batch.experiment for batch in world.held()} == {"first", "second"}


def test_scans_are_left_to_other_processes_and_made_by_name(world: Several, tmp_path: Path) -> None:
    file = tmp_path / "scans.json"

    assert of_all(world, "--always", "plain", "--leave-to", str(file)) == 0
    assert world.held() == ()
    (left,) = json.loads(file.read_text())
    assert shared_scan(world, "--scan", left) == 0

    assert {batch.experiment for batch in world.held()} == {"first", "second"}


def test_a_scan_without_a_day_is_refused(world: Several) -> None:
    assert shared_scan(world) == 2
