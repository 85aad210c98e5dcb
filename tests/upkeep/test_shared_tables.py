"""Units that are removed from an experiment stand in no table of several experiments either."""

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from jetstream_argo.cli.main import exit_code_of
from jetstream_argo.config.periods import Period
from jetstream_argo.sql import names
from jetstream_argo.store.shared import KEPT_DAYS
from jetstream_argo.upkeep.shared_tables import remove_old
from jetstream_argo.warehouse.duckdb.engine import EmbeddedEngine
from tests.worlds.pipeline import START
from tests.worlds.several import Several, configured
from tests.worlds.upkeep import again


@pytest.fixture
def world(tmp_path: Path) -> Several:
    """Two experiments for which both sources were read at once."""
    made = Several(tmp_path, (configured("first"), configured("second")), as_of=START + timedelta(days=2))
    made.fill(1)
    made.enroll()
    assert len(made.share()) == 2
    return made


def shared_tables(world: Several) -> set[str]:
    return {listed.name for listed in EmbeddedEngine(world.root).tables("results", prefix="shared_")}


def command(world: Several, *arguments: str) -> int:
    return exit_code_of([*arguments, "--warehouse", f"embedded:{world.root}", "--dataset", "results", "--yes"])


def holding(world: Several, condition: str) -> set[str]:
    return {
        name
        for name in shared_tables(world)
        if world.rows(f"SELECT s.analysis_id FROM `{name}` AS s WHERE {condition} LIMIT 1")
    }


def test_shredding_deletes_the_tables_that_hold_the_units_and_each_reads_again(world: Several) -> None:
    before = shared_tables(world)
    with_unit = holding(world, "s.analysis_id = 'u1'")

    code = command(world, "shred", "first", "--ids", "u1")

    assert code == 0
    assert with_unit
    assert shared_tables(world) == before - with_unit
    world.read()
    assert all(unit != "u1" for _, _, _, unit, *_ in world.partials(world.configs[0]))


def test_shredding_all_experiments_deletes_them_and_a_registry_has_them(
    world: Several, capsys: pytest.CaptureFixture[str]
) -> None:
    before, with_unit = shared_tables(world), holding(world, "s.analysis_id = 'u1'")
    assert command(world, "shred", "--all", "--registry") == 0
    registered = {f"{row['dataset']}.{row['table']}" for row in json.loads(capsys.readouterr().out)}

    assert command(world, "shred", "--all", "--ids", "u1", "--no-anew") == 0

    assert before <= registered
    assert shared_tables(world) == before - with_unit


def test_units_that_no_shared_table_holds_leave_them(world: Several) -> None:
    before = shared_tables(world)

    assert command(world, "shred", "first", "--ids", "nobody") == 0

    assert shared_tables(world) == before


def test_deleting_an_experiment_deletes_the_tables_that_hold_its_units(world: Several) -> None:
    assert command(world, "delete", "first") == 0

    assert holding(world, "s.shared_experiment = 'first'") == set()


def test_retiring_an_experiment_leaves_its_results_and_what_others_copy(world: Several) -> None:
    first, second = world.configs
    again(world.pipeline(first))
    view = names.statistics_view(world.plan(first), Period.DAY)
    sql = f"SELECT v.metric, v.branch, v.comparison, v.point FROM `{view}` AS v"
    before, results = shared_tables(world), Counter(world.rows(sql))
    own = {entry.table for entry in world.entries(first)}

    assert command(world, "retire", "first") == 0

    assert own
    assert EmbeddedEngine(world.root).infos(sorted(own)) == {}
    assert shared_tables(world) == before
    assert results
    assert Counter(world.rows(sql)) == results
    again(world.pipeline(second))
    of_second = world.entries(second)
    assert of_second
    assert all("shared_scan" in entry.facts for entry in of_second)


def test_tables_are_kept_for_some_days_and_then_deleted(world: Several) -> None:
    engine, before = EmbeddedEngine(world.root), shared_tables(world)
    age = timedelta(days=KEPT_DAYS)

    assert remove_old(engine, "results", now=world.now() + age - timedelta(hours=1)) == ()
    assert set(remove_old(engine, "results", now=world.now() + age + timedelta(hours=1))) == before
    assert shared_tables(world) == set()
