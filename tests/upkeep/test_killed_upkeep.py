"""Commands that take rows away are killed at random writes: asked for again they go on, and nothing is half gone."""

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from jetstream_argo.warehouse.types import Write
from tests.upkeep.test_check import data_files, estimates
from tests.upkeep.test_shred import units
from tests.worlds.pipeline import Pipeline
from tests.worlds.upkeep import HOURS, again, analysed, telemetry

KILLED = """
import os, signal, sys
left, root = int(sys.argv[1]), sys.argv[2]
def look(event, arguments):
    global left
    writes = event in ("os.rename", "os.remove", "os.rmdir", "os.mkdir")
    writes |= event == "open" and isinstance(arguments[1], str) and bool(set(arguments[1]) & set("wax+"))
    if writes and root in str(arguments[0]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(look)
from jetstream_argo.cli.main import main
main(sys.argv[3:])
"""
KILLS = 3


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    root = tmp_path_factory.mktemp("world")
    telemetry(root)
    return analysed(root, "try-it", [HOURS])


def command(root: Path, name: str, *arguments: str) -> list[str]:
    return [name, "try-it", "--warehouse", f"embedded:{root}", "--dataset", "results", *arguments]


def killed(root: Path, writes: int, arguments: Sequence[str]) -> bool:
    """Run a command, kill it when it has written so often, and return whether it had not ended by then."""
    program = [sys.executable, "-c", KILLED, str(writes), str(root), *arguments]
    return subprocess.run(program, capture_output=True, check=False).returncode == -signal.SIGKILL


def kills(seed: int, most: int) -> list[int]:
    return sorted(random.Random(seed).sample(range(most), KILLS))


def test_a_shred_goes_on(world: Pipeline, tmp_path: Path) -> None:
    for writes in kills(1, 30):
        root = Path(shutil.copytree(world.root, tmp_path / str(writes)))
        arguments = command(root, "shred", "--ids", "d", "--yes")
        assert killed(root, writes, arguments)

        assert exit_code_of(arguments) == 0

        assert all("d" not in of_table for of_table in units(root).values())
        engine = EmbeddedEngine(root)
        for listed in engine.tables("results"):
            if not listed.is_view and not listed.name.startswith(("results.status", "results.estimates")):
                assert engine.purge([listed.name]).files == 0


def test_a_deletion_goes_on(world: Pipeline, tmp_path: Path) -> None:
    for writes in kills(2, 60):
        root = Path(shutil.copytree(world.root, tmp_path / str(writes)))
        arguments = command(root, "delete", "--yes")
        assert killed(root, writes, arguments)

        assert exit_code_of(arguments) == 0

        assert not [path for path in (root / "local" / "results").rglob("*") if path.is_file()]


def test_a_repair_goes_on(world: Pipeline, tmp_path: Path) -> None:
    before = estimates(world)
    values = names.values(world.plan, Basis.ENROLLMENTS, "activity", Period.WEEK)
    stray = Sql(f"SELECT r.* REPLACE (7 AS batch) FROM `{values}` AS r")
    for writes in kills(3, 12):
        root = Path(shutil.copytree(world.root, tmp_path / str(writes)))
        pipeline = Pipeline(root, world.plan, today=world.today, ticks=world.ticks)
        pipeline.engine.query_to_table(stray, values, write=Write.APPEND, labels={})
        data_files(pipeline, names.statistics(world.plan))[0].unlink()
        arguments = command(root, "check", "--repair")
        assert killed(root, writes, arguments)

        assert exit_code_of(arguments) == 0
        again(pipeline)

        assert estimates(pipeline) == before
        assert exit_code_of(command(root, "check")) == 0
