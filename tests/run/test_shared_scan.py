"""What was read once for several experiments is what each of them would have read."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from jetstream_argo.config.model import ExperimentConfig
from jetstream_argo.config.periods import Period
from jetstream_argo.errors import NotFound
from jetstream_argo.run.paying import SharedEstimate
from jetstream_argo.run.scanning import scan_shared
from jetstream_argo.store.entries import Entry
from jetstream_argo.store.shared_work import leave_scans, left_scan
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Job
from tests.worlds.pipeline import START, metric, source, summary_of
from tests.worlds.several import ASSIGNED, HOURS, OFTEN, PLAIN, SEEN, PartialValues, Several, configured

FIRST, SECOND, THIRD = configured("first"), configured("second", 1), configured("third", 1, (HOURS, OFTEN, SEEN))

TWIN = configured("twin")


def several(root: Path, *configs: ExperimentConfig, seed: int = 1, day: int = 3) -> Several:
    """Experiments whose units are known, on a day on which all of them have something to read."""
    world = Several(root, configs or (FIRST, SECOND, THIRD))
    world.fill(seed)
    world.as_of = START + timedelta(days=day)
    world.enroll()
    return world


def copied(entries: list[Entry]) -> list[Entry]:
    return [entry for entry in entries if "shared_scan" in entry.facts]


def same(some: PartialValues, others: PartialValues) -> bool:
    """Whether the same rows have the same values, floats as far as an order of summation tells."""
    assert set(some) == set(others)
    return all(
        value == (pytest.approx(others[key], rel=1e-12) if isinstance(value, float) else others[key])
        for key, value in some.items()
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_partials_are_the_same_whether_scans_are_shared_or_not(tmp_path: Path, seed: int) -> None:
    alone = Several(tmp_path / "alone", (FIRST, SECOND, THIRD))
    together = Several(tmp_path / "together", (FIRST, SECOND, THIRD))
    for world in (alone, together):
        world.fill(seed)
    for day in (2, 5):
        for world in (alone, together):
            world.as_of = START + timedelta(days=day)
        together.enroll()
        together.share()
        alone.read()
        together.read()

    for config in together.configs:
        assert same(alone.partials(config), together.partials(config))
    assert any(copied(together.entries(config)) for config in together.configs)


def test_an_experiment_copies_what_was_read_and_reads_nothing_itself(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, TWIN)

    world.share()
    world.read()

    for config in world.configs:
        entries = world.entries(config)
        assert entries
        assert copied(entries) == entries


def test_what_was_shared_is_not_scanned_again(tmp_path: Path) -> None:
    world = several(tmp_path)
    assert world.share()

    assert world.share() == []


def test_dates_that_have_changed_since_the_scan_are_read_by_each(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, TWIN)
    world.share()
    late = [(f"u{n}", START + timedelta(days=3), 100.0 + n) for n in range(8)]
    world.put("plain", PLAIN, late)

    world.read()

    of_plain = [entry for entry in world.entries(FIRST) if entry.source == "plain"]
    assert of_plain
    assert copied(of_plain) == []
    values = {value for (name, _, _, unit, *_), value in world.partials(FIRST).items() if name == "plain" and unit}
    assert values <= {100.0 + n for n in range(8)}


def test_a_scan_that_failed_costs_no_results(tmp_path: Path) -> None:
    alone, together = several(tmp_path / "alone"), several(tmp_path / "together")
    together.share()
    engine = together.pipeline(FIRST).engine
    for listed in engine.tables("results", prefix="shared_plain"):
        engine.delete(listed.name)

    for world in (alone, together):
        world.read()

    assert same(alone.partials(FIRST), together.partials(FIRST))
    assert {entry.source for entry in copied(together.entries(FIRST))} == {"tagged"}


def test_a_column_that_the_warehouse_refuses_is_left_out_of_the_scan_and_no_other(tmp_path: Path) -> None:
    wrong = metric("wrong", "SUM(no_such_column)", "plain")
    world = several(tmp_path, FIRST, configured("wrong", 0, (HOURS, wrong)))

    world.share()

    shared = world.held()
    assert {batch.experiment for batch in shared if "plain" in batch.table} == {"first", "wrong"}
    assert {len(batch.columns) for batch in shared if "plain" in batch.table} == {1}


def test_an_experiment_may_have_two_sources_of_the_same_rows(tmp_path: Path) -> None:
    twice = replace(FIRST, data_sources=(*FIRST.data_sources, replace(FIRST.data_sources[0], name="again")))
    twice = replace(twice, metrics=(*twice.metrics, metric("more", "SUM(hours)", "again")))
    summary = summary_of("more", period=Period.DAY)
    twice = replace(twice, periods=(replace(twice.periods[0], summaries=(*twice.periods[0].summaries, summary)),))
    alone, together = several(tmp_path / "alone", twice, TWIN), several(tmp_path / "together", twice, TWIN)

    together.share()

    for world in (alone, together):
        world.read()
    assert same(alone.partials(twice), together.partials(twice))
    assert {entry.source for entry in copied(together.entries(twice))} == {"plain", "again", "tagged"}


class Restricted:
    """A warehouse that keeps some rows back, and says so."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def query_to_table(self, *arguments: Any, **named: Any) -> Job:
        return replace(self._engine.query_to_table(*arguments, **named), restrictions=("telemetry.plain",))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)


def test_rows_of_which_some_were_kept_back_are_left_to_each_which_says_so(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, TWIN)
    engine = cast(Engine, Restricted(world.pipeline(FIRST).engine))

    for estimate in world.found().estimates:
        scan_shared(estimate.scan, engine, holder="a test", now=world.now, attempt="restricted")

    assert world.held() == ()


def test_units_of_private_experiments_stand_in_no_shared_table(tmp_path: Path) -> None:
    private = replace(FIRST, slug="private", is_private=True, dataset="results")
    world = several(tmp_path, FIRST, private, TWIN)

    world.share()

    assert {batch.experiment for batch in world.held()} == {"first", "twin"}


def test_experiments_whose_results_are_apart_share_nothing(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, replace(FIRST, slug="apart", dataset="elsewhere"))

    assert world.share() == []


def test_what_only_one_experiment_lacks_is_left_to_it(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, SECOND, day=1)

    assert world.share() == []


def test_nothing_is_shared_of_units_that_came_late_after_the_scan(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, TWIN, day=1)
    world.share()
    rows = world.rows("SELECT a.slug, a.unit, a.branch, a.day FROM telemetry.assignments AS a")
    world.put("assignments", ASSIGNED, [*rows, ("first", "late", "control", START)])

    world.read()

    assert copied(world.entries(FIRST)) == []
    assert copied(world.entries(TWIN)) != []


def test_a_scan_that_is_left_to_others_is_found_as_it_was(tmp_path: Path) -> None:
    world = several(tmp_path)
    engine = world.pipeline(FIRST).engine
    scans = [estimate.scan for estimate in world.found().estimates]

    left = leave_scans(engine, scans, now=world.now(), attempt="a", labels={})

    assert [left_scan(engine, name, {}) for name in left] == scans
    with pytest.raises(NotFound, match="there is no such scan"):
        left_scan(engine, left[0] + "x", {})


def test_a_scan_pays_where_the_source_is_larger_than_what_is_copied(tmp_path: Path) -> None:
    world = several(tmp_path)

    found = world.found().estimates

    assert {estimate.scan.source for estimate in found} == {"plain", "tagged"}
    assert all(estimate.alone is not None and estimate.together is not None for estimate in found)
    assert not any(estimate.pays for estimate in found)  # a few bytes a date
    assert SharedEstimate(found[0].scan, 10**12, 10**11).pays


OTHER_ROWS = "(SELECT p.client_id, p.submission_date, p.hours FROM telemetry.plain AS p)"
# The date of these rows is no column of the table behind them.
UNDATED_ROWS = "(SELECT t.client_id, CAST(t.day AS DATE) AS submission_date FROM telemetry.texts AS t)"


def reading(config: ExperimentConfig, name: str, rows: str) -> ExperimentConfig:
    """The experiment with a metric of another source, and no other."""
    counted = metric(f"of_{name}", "COUNT(*)", name)
    periods = (replace(config.periods[0], summaries=(summary_of(counted.name, period=Period.DAY),)),)
    return replace(config, data_sources=(source(name, rows),), metrics=(counted,), periods=periods)


def reasons(world: Several) -> list[tuple[str, int, str]]:
    return [(left.source, left.experiments, left.reason) for left in world.found().left]


def test_of_every_source_it_is_said_why_nothing_is_shared(tmp_path: Path) -> None:
    undated = [reading(configured(slug), "undated", UNDATED_ROWS) for slug in ("one", "other")]
    alone = reading(configured("alone"), "own", OTHER_ROWS)
    private = replace(
        reading(configured("private"), "secret", f"{OTHER_ROWS[:-1]} WHERE TRUE)"), is_private=True, dataset="results"
    )
    world = Several(tmp_path, (FIRST, TWIN, *undated, alone, private))
    world.fill(1)
    world.put("texts", {"client_id": "STRING", "day": "STRING"}, [("u0", "2026-05-05")])
    world.as_of = START + timedelta(days=2)

    unknown = reasons(world)
    world.enroll()
    world.share()
    scanned = reasons(world)
    world.read()
    done = reasons(world)

    ever = [
        ("own", 1, "no other experiment reads it"),
        ("secret", 1, "units of private experiments are in no shared table"),
    ]
    no_versions = "no table behind it has versions by date (telemetry.texts)"
    assert unknown == [(name, 2, "their units are not known") for name in ("plain", "tagged", "undated")] + ever
    assert scanned == [
        *((name, 2, "what is missing was read for all already") for name in ("plain", "tagged")),
        ("undated", 2, no_versions),
        *ever,
    ]
    assert done == [(name, 2, "nothing is missing") for name in ("plain", "tagged", "undated")] + ever


def test_dates_that_only_one_lacks_are_said_to_be_left_to_it(tmp_path: Path) -> None:
    world = several(tmp_path, FIRST, TWIN)
    world.configs = (FIRST,)
    world.read()
    world.configs = (FIRST, TWIN)

    assert reasons(world) == [(name, 2, "no two experiments lack the same date") for name in ("plain", "tagged")]
