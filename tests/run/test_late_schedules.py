"""Some of what `make late` tries: late telemetry, lost tables, kills."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.kills import Killing, Kills
from benchmarks.late import tried


@pytest.mark.parametrize("seed", range(10))
def test_what_comes_late_ends_as_one_run_over_the_data_that_counts(seed: int, tmp_path: Path) -> None:
    verdict = tried(seed, tmp_path, short=True)

    assert verdict.faults == ()
    assert verdict.read == verdict.least


def test_what_was_killed_at_a_write_and_done_again_is_as_if_nothing_had_happened(tmp_path: Path) -> None:
    kills = Kills(tmp_path)
    commands: tuple[Callable[[random.Random], Killing], ...] = (kills.run, kills.delete, kills.shred)

    for number in range(10):
        done = commands[number % 3](random.Random(number))  # no secret

        assert done.faults == ()
