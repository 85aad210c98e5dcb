"""What a scan for several experiments is estimated to read, beside what each of them would."""

from datetime import timedelta
from pathlib import Path

import pytest

from jetstream_argo.run.sharing import shared_scans
from jetstream_argo.sql import names
from jetstream_argo.sql.shared import shared_query
from tests.worlds.pipeline import START
from tests.worlds.several import Several, configured


@pytest.fixture
def world(tmp_path: Path) -> Several:
    """Two experiments whose units are known, and which have read nothing."""
    made = Several(tmp_path, (configured("first"), configured("second")), as_of=START + timedelta(days=2))
    made.fill(1)
    made.enroll()
    return made


def test_each_experiment_alone_is_priced_with_its_own_units_only(world: Several) -> None:
    engine, plans = world.pipeline(world.configs[0]).engine, [world.plan(config) for config in world.configs]

    found = shared_scans(plans, engine, now=world.now, by_dry_run=True).estimates

    units = [info.bytes for plan in plans if (info := engine.info(names.assignments(plan))) is not None]
    assert len(units) == 2
    for estimate in found:
        (reading,) = estimate.scan.readings
        of_all = engine.dry_run(shared_query(estimate.scan, reading, reading.columns, batch=0)).bytes
        assert estimate.alone == 2 * of_all - sum(units)


def test_copies_of_a_small_table_are_priced_as_if_each_read_all_of_it(world: Several) -> None:
    stored = world.found().estimates

    for estimate in stored:
        (reading,) = estimate.scan.readings
        assert estimate.alone is not None
        assert estimate.together is not None
        source = estimate.alone // 2
        row_bytes = 48 + 8 * len(reading.columns)
        rows = reading.days * 6 * 2  # six units in each of the two
        written, copied = rows * row_bytes, 2 * rows * row_bytes
        assert estimate.together == source + written + copied
