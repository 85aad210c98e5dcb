"""Whether the experiment is sound: what has to be looked at before any of its estimates is believed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from jetstream_argo.report.source_rows import jumps
from jetstream_argo.report.who_counts import WhoCounts
from jetstream_argo.store.entries import Entry


class HealthCheck(StrEnum):
    """What is checked."""

    NOBODY = "nobody_enrolled"
    SPLIT = "split"
    SEVERAL = "several_branches"
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
    found = tuple(jumps(entries))
    if counted and not found:
        yield Check(HealthCheck.ROWS, alarm=False, message="no source has a date with unusually many or few rows")
    for jump in found:
        yield Check(HealthCheck.ROWS, alarm=True, message=str(jump))


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
