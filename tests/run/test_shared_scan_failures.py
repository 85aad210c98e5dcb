"""Whatever happens to what was read for several experiments, each gets what it would have read, once."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from jetstream_argo.errors import NotFound
from jetstream_argo.plan.sharing import SharedScan
from jetstream_argo.run.scanning import scan_shared
from jetstream_argo.store.shared_work import leave_scans, left_scan
from tests.run.test_shared_scan import TWIN, copied, same
from tests.worlds.pipeline import START, metric
from tests.worlds.several import HOURS, METRICS, Several, configured

FIRST = configured("first")
BOTH = (FIRST, TWIN)


def enrolled(root: Path) -> Several:
    """Two experiments whose units are known, and which have read nothing."""
    world = Several(root, BOTH, as_of=START + timedelta(days=2))
    world.fill(1)
    world.enroll()
    return world


@pytest.fixture
def world(tmp_path: Path) -> Several:
    """Experiments that share."""
    return enrolled(tmp_path / "together")


@pytest.fixture
def alone(tmp_path: Path) -> Several:
    """The same experiments, each of which has read by itself."""
    made = enrolled(tmp_path / "alone")
    made.read()
    return made


def scan(world: Several, scans: list[SharedScan], attempt: str) -> None:
    for asked in scans:
        scan_shared(asked, world.pipeline(FIRST).engine, holder="a test", now=world.now, attempt=attempt)


def test_a_scan_that_is_late_changes_nothing(world: Several, alone: Several) -> None:
    planned = [estimate.scan for estimate in world.found().estimates]
    world.read()

    scan(world, planned, "late")

    assert len(world.held()) == 4
    assert world.read() == 0
    for config in BOTH:
        assert copied(world.entries(config)) == []
        assert same(alone.partials(config), world.partials(config))


def test_of_two_planners_at_once_experiments_take_each_date_from_one(world: Several, alone: Several) -> None:
    planned = [estimate.scan for estimate in world.found().estimates]

    scan(world, planned, "one")
    scan(world, planned, "other")
    world.read()

    assert len(world.held()) == 8
    for config in BOTH:
        entries = world.entries(config)
        assert copied(entries) == entries
        assert same(alone.partials(config), world.partials(config))


def test_a_metric_that_changed_since_the_scan_is_read_and_others_are_copied(tmp_path: Path, world: Several) -> None:
    changed = configured("first", 0, [replace(HOURS, select_expression="SUM(hours * 2)"), *METRICS[1:]])
    world.share()
    world.configs = (changed, TWIN)
    alone = enrolled(tmp_path / "alone")
    alone.configs = world.configs
    alone.read()

    world.read()

    entries = world.entries(changed)
    assert {entry.source for entry in copied(entries)} == {"tagged"}
    assert {entry.source for entry in entries} == {"plain", "tagged"}
    assert same(alone.partials(changed), world.partials(changed))


def test_a_column_that_no_scan_has_is_read_beside_those_that_are_copied(tmp_path: Path, world: Several) -> None:
    more = configured("first", 0, [*METRICS, metric("longest", "MAX(hours)", "plain")])
    world.share()
    world.configs = (more, TWIN)
    alone = enrolled(tmp_path / "alone")
    alone.configs = world.configs
    alone.read()

    world.read()

    of_plain = [entry for entry in world.entries(more) if entry.source == "plain"]
    assert len(copied(of_plain)) == 1
    assert len(of_plain) == 2
    assert {len(entry.keys) for entry in of_plain} == {1}
    assert same(alone.partials(more), world.partials(more))


def test_scans_that_expired_before_they_were_made_are_not_found(world: Several) -> None:
    engine = world.pipeline(FIRST).engine
    left = leave_scans(
        engine, [estimate.scan for estimate in world.found().estimates], now=world.now(), attempt="a", labels={}
    )
    engine.delete(left[0].partition("/")[0])

    with pytest.raises(NotFound):
        left_scan(engine, left[0], {})
