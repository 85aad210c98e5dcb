"""Checks that the experiment is sound, which has to be known before any of its estimates is believed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.report.source_rows import jumps
from jetstream_argo.report.who_counts import WhoCounts
from jetstream_argo.stats.checks import BEFORE_ALARM
from jetstream_argo.store.entries import Entry, Kind, State
from jetstream_argo.terminal.plural import counted


class HealthCheck(StrEnum):
    """What is checked."""

    NOBODY = "nobody_enrolled"
    SPLIT = "split"
    SEVERAL = "several_branches"
    BEFORE = "before_enrollment"
    ROWS = "source_rows"


@dataclass(frozen=True, slots=True)
class Check:
    """What a check found: an alarm or none, and a sentence about it."""

    check: HealthCheck
    alarm: bool
    message: str


def health_of(entries: Sequence[Entry], counted: Mapping[str, object], who: WhoCounts | None) -> tuple[Check, ...]:
    """Return what is known of an experiment's health, by its record and the last count of its units."""
    return tuple(_checks(entries, counted, who))


def alarms(health: Sequence[Check]) -> Iterator[str]:
    """Yield the sentences of what is wrong."""
    yield from (check.message for check in health if check.alarm)


def _checks(entries: Sequence[Entry], counted: Mapping[str, object], who: WhoCounts | None) -> Iterator[Check]:
    nobody = counted.get("nobody")
    if nobody:
        yield Check(HealthCheck.NOBODY, alarm=True, message=str(nobody))
    if who is not None and who.after is not None:
        yield Check(HealthCheck.SPLIT, who.after.alarm, _split_message(who, counted))
    if who is not None:
        several = f"{who.several_share:.2%} of the units are in several branches"
        too_many = f", more than {who.several_alarm:.2%}: the assignment is not what it should be, doubt all estimates"
        alarm = who.is_too_often_in_several
        yield Check(HealthCheck.SEVERAL, alarm, several + (too_many if alarm else ""))
    yield from _before_enrollment(entries)
    found = tuple(jumps(entries))
    if counted and not found:
        yield Check(HealthCheck.ROWS, alarm=False, message="no source has a date with unusually many or few rows")
    for jump in found:
        yield Check(HealthCheck.ROWS, alarm=True, message=str(jump))


def _before_enrollment(entries: Sequence[Entry]) -> Iterator[Check]:
    """Yield a check of all metrics together, each p-value times the number of tests (Bonferroni)."""
    found: dict[tuple[str, str], float] = {}
    for entry in entries:
        if entry.kind is Kind.STATISTICS and entry.state is State.COMPUTED and "before_enrollment" in entry.facts:
            tests = json.loads(entry.facts)["before_enrollment"]
            found |= {(metric, branch): p_value for metric, branch, p_value in tests}
    if not found:
        return
    broken = {key: p_value for key, p_value in found.items() if p_value * len(found) < BEFORE_ALARM}
    for (metric, branch), p_value in sorted(broken.items(), key=lambda item: item[1]):
        yield Check(
            HealthCheck.BEFORE,
            alarm=True,
            message=(
                f"{metric} differed before enrollment already between {branch} and the reference branch "
                f"(p = {p_value:.1g}, one of {counted(len(found), 'test')}): the branches were not alike, "
                "doubt all estimates"
            ),
        )
    if not broken:
        yield Check(
            HealthCheck.BEFORE,
            alarm=False,
            message=f"the branches were alike before enrollment ({counted(len(found), 'test')})",
        )


def _split_message(who: WhoCounts, counted: Mapping[str, object]) -> str:
    split = who.after
    if split is None or split.p_value is None:
        return "whether units are split as designed is not checked: they are too few"
    more = "more" if split.deviation > 0 else "fewer"
    off = f"{split.branch} has {abs(split.deviation):.2%} {more} units than designed (p = {split.p_value:.1g})"
    if not split.alarm:
        return f"units are split as designed: {off}"
    causes = counted.get("split_causes")
    return f"units are not split as designed: {off}; doubt all estimates" + "".join(
        _cause(cause) for cause in (causes if isinstance(causes, list) else [])
    )


def _cause(cause: Mapping[str, object]) -> str:
    what = f"on {cause['name']}" if cause["kind"] == "day" else f"in segment {cause['name']}"
    others = "the others are split as designed" if cause["explains"] else "the others are not split as designed either"
    return f"; {what} p = {float(str(cause['p_value'])):.1g}, {others}"
