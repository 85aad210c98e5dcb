"""Whether late telemetry, lost tables and kills leave anything wrong: `python -m benchmarks.late`.

Makes up schedules in which dates of telemetry come late, in parts, grow and shrink, units are deleted, tables of
results vanish and tasks are killed at random writes; a run of the analysis follows each change. What results at the
end is compared with one run that nothing disturbed, over the data that counts by the rules of `benchmarks.late_model`;
so are the changes that the record says were not read, and how often dates were read. Then commands are killed at random
writes and done again: by SIGKILL (`benchmarks.kills_by_signal`), and by an exception in this process, which is faster
(`benchmarks.kills`).
"""

import argparse
import itertools
import json
import math
import random
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks import kills, kills_by_signal
from benchmarks.kills import Killing, Kills
from benchmarks.kills_by_signal import Signals
from benchmarks.late_model import counting
from benchmarks.late_schedule import LAST, Schedule, days_until
from benchmarks.late_world import SHOWING, World, plan_of, results
from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.run.context import read_ledger
from jetstream_argo.sql import names
from jetstream_argo.sql.text import Sql
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.warehouse.types import Write

DIRECT = ("peak",)


@dataclass(frozen=True)
class Verdict:
    """What came of a schedule: how its end differs from what it should be, and how many dates were read."""

    seed: int
    faults: tuple[str, ...]
    read: int
    least: int


def tried(seed: int, folder: Path, *, short: bool = False) -> Verdict:
    """Play a schedule, and compare its end with an undisturbed run over the data that counts."""
    schedule = Schedule(seed, folder / f"late-{seed}", short)
    try:
        schedule.play()
    except Exception as error:  # noqa: BLE001  # a schedule that fails is a result
        return Verdict(seed, (f"{type(error).__name__}: {error}", *schedule.log), 0, 0)
    engine = schedule.world.engine()
    entries = read_ledger(schedule.plan(), engine).entries
    faults = [*_differences(results(engine, without=DIRECT), _undisturbed(schedule, folder)), *_longest(schedule)]
    found_rows, expected = _told(entries), schedule.model.told()
    faults += [f"not told: {change}" for change in sorted(expected - found_rows)]
    faults += [f"told, though read or never changed: {change}" for change in sorted(found_rows - expected)]
    read = sum(len(entry.extent) for entry in entries if entry.kind is Kind.PARTIALS and entry.state is State.COMPUTED)
    return Verdict(seed, (*faults, *schedule.log) if faults else (), read, schedule.model.least)


def _undisturbed(schedule: Schedule, folder: Path) -> dict[str, list[str]]:
    world = World(folder / f"undisturbed-{schedule.seed}")
    for table in schedule.tables:
        world.write(table, counting(schedule.model, days_until(LAST))[table.name], Write.TRUNCATE)
    world.now = world.now.replace(year=2100)
    plan = plan_of(LAST, has_signal=schedule.has_signal)
    if not world.run(plan, only=SHOWING if schedule.short else ()):
        raise AssertionError("the undisturbed run did not end")
    return results(world.engine(), without=DIRECT)


def _longest(schedule: Schedule) -> Iterator[str]:
    """Yield which values of the direct metric are not what the rules say."""
    view = names.values_view(schedule.plan(), Basis.ENROLLMENTS, Period.WEEK)
    rows = schedule.world.engine().query(Sql(f"SELECT v.analysis_id, v.peak FROM `{view}` AS v"), labels={}).rows
    expected = schedule.model.peaks or {}
    for unit, peak in rows:
        if peak != expected.get(str(unit)):
            yield f"{unit} has the peak {peak} instead of {expected.get(str(unit))}"


def _told(entries: Sequence[Entry]) -> set[tuple[str, date, int]]:
    found = set()
    for entry in entries:
        if entry.kind is Kind.LOOK and entry.facts:
            for day, tables in json.loads(entry.facts)["changed_upstream"].items():
                for table, rows in tables.items():
                    found.add((table.removeprefix("telemetry."), date.fromisoformat(day), rows))
    return found


_NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]?\d+)?")


def _differences(found: dict[str, list[str]], expected: dict[str, list[str]]) -> list[str]:
    """Return how rows differ: texts must be equal, and floats to 1e-12."""
    if found.keys() != expected.keys():
        return [f"views {sorted(found)} instead of {sorted(expected)}"]
    wrong = []
    for view, rows in expected.items():
        if len(rows) != len(found[view]):
            wrong.append(f"{view} has {len(found[view])} rows instead of {len(rows)}")
        for ours, theirs in zip(found[view], rows, strict=False):
            if not _is_close(ours, theirs):
                wrong.append(f"{view}: {ours} instead of {theirs}")
    return wrong[:6]


def _is_close(ours: str, theirs: str) -> bool:
    if _NUMBER.sub("", ours) != _NUMBER.sub("", theirs):
        return False
    pairs = zip(_NUMBER.findall(ours), _NUMBER.findall(theirs), strict=True)
    return all(math.isclose(float(a), float(b), rel_tol=1e-11, abs_tol=1e-12) for a, b in pairs)


def schedules(first: int, number: int) -> bool:
    """Try schedules, and print what came of them; return whether all were equal."""
    read = least = wrong = 0
    for seed in range(first, first + number):
        with tempfile.TemporaryDirectory(prefix="late-") as folder:
            verdict = tried(seed, Path(folder))
        read, least, wrong = read + verdict.read, least + verdict.least, wrong + bool(verdict.faults)
        if verdict.faults:
            print(f"seed {seed}:", *verdict.faults, sep="\n  ", flush=True)
        done = seed - first + 1
        if done % 10 == 0 or done == number:
            ratio = f"{read / least:.3f}" if least else "-"
            print(
                f"{done - wrong} of {done} schedules equal; {read} dates read, {least} at the least: {ratio}",
                flush=True,
            )
    return not wrong


def killed(first: int, number: int, signals: int) -> bool:
    """Kill commands `number` times, `signals` of them by SIGKILL, print what came of it, and return if all is well."""
    found: list[Killing] = []
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        if signals:
            commands = Signals(Path(folder))
            _chains(found, first, signals, kills_by_signal.COMMANDS, commands.kill)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        if sum(schedule.kills for schedule in found) < number:
            _chains(found, first, number, kills.COMMANDS, Kills(Path(folder)).kill)
    for what in dict.fromkeys(schedule.what for schedule in found):
        print(_summary(what, [schedule for schedule in found if schedule.what == what]), flush=True)
    print(_summary("all", found), flush=True)
    return not any(schedule.faults or schedule.left_over for schedule in found)


def _chains(
    found: list[Killing],
    first: int,
    number: int,
    commands: Sequence[str],
    kill: Callable[[str, random.Random], Killing],
) -> None:
    """Try one command after the other until there were so many kills, and print what is wrong at once."""
    for seed in itertools.count(first):
        for what in commands:
            done = kill(what, random.Random(seed))  # no secret
            found.append(done)
            if done.faults or done.left_over:
                left = f"{done.left_over} files left over"
                print(f"{done.what}, seed {seed}, {done.kills} kills:", *done.faults, left, sep="\n  ", flush=True)
            if sum(schedule.kills for schedule in found) >= number:
                return
        print(_summary("so far", found), flush=True)


def _summary(what: str, chains: Sequence[Killing]) -> str:
    equal, times = sum(not chain.faults for chain in chains), sum(chain.kills for chain in chains)
    left = sum(chain.left_over for chain in chains)
    return f"{what}: {times} kills, {equal} of {len(chains)} chains the same, {left} files left over"


def main() -> None:
    """Print what came of all schedules and kills."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--schedules", type=int, default=200)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--signals", type=int, default=150, help="how many of the kills are by SIGKILL")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    good = schedules(arguments.first, arguments.schedules)
    good &= killed(arguments.first, arguments.kills, arguments.signals)
    sys.exit(not good)


if __name__ == "__main__":
    main()
