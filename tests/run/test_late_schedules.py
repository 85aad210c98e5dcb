"""Some of what `make late` tries: late telemetry, lost tables, kills."""

import itertools
import random
from pathlib import Path

import pytest

from benchmarks.kills import COMMANDS, Kills
from benchmarks.late import tried


@pytest.mark.parametrize("seed", range(10))
def test_what_comes_late_ends_as_one_run_over_the_data_that_counts(seed: int, tmp_path: Path) -> None:
    verdict = tried(seed, tmp_path, short=True)

    assert verdict.faults == ()
    assert verdict.read == verdict.least


def test_what_was_killed_at_a_write_and_done_again_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    kills = Kills(tmp_path)
    times = 0

    for seed, what in enumerate(itertools.cycle(COMMANDS)):
        done = kills.kill(what, random.Random(seed))  # no secret
        assert (done.what, done.faults, done.left_over) == (what, (), 0)
        times += done.kills
        if times >= 10:
            break
