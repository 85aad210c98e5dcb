"""The units that count in the results: what exclusions take from each branch, and whether that changes the split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.config.exclusions import SEVERAL_ALARM, SeveralBranches
from jetstream_argo.report.files import Json

# By branch, in the order of the plan.
Units = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Excluded:
    """How many units of each branch meet an exclusion; those that meet two are in both."""

    name: str
    units: Units
    post_treatment: bool = False


@dataclass(frozen=True, slots=True)
class Split:
    """The check of a split; `p_value` is None where there is none to be had.

    `branch` is farthest off: by `deviation`, as a share of the units that it should have.
    """

    p_value: float | None
    alarm: bool
    deviation: float = 0.0
    branch: str = ""


@dataclass(frozen=True, slots=True)
class WhoCounts:
    """Who counts. `counted` are the units that no exclusion takes.

    `several_share` is the share of units that are in several branches, and `several_alarm` the share above which that
    is an alarm. `before` and `after` are the checks of the split without and with exclusions, None where nobody asks.
    """

    several_branches: SeveralBranches = SeveralBranches.KEEP
    several_share: float = 0.0
    several_alarm: float = SEVERAL_ALARM
    excluded: tuple[Excluded, ...] = ()
    counted: Units = ()
    before: Split | None = None
    after: Split | None = None

    @property
    def excludes(self) -> bool:
        """Whether some enrolled units may not count."""
        return bool(self.counted)

    @property
    def post_treatment(self) -> tuple[str, ...]:
        """The exclusions about which the experiment may decide."""
        return tuple(exclusion.name for exclusion in self.excluded if exclusion.post_treatment)

    @property
    def is_too_often_in_several(self) -> bool:
        """Whether more units are in several branches than chance brings there."""
        return self.several_share > self.several_alarm


def who_counts(recorded: Mapping[str, object], order: Sequence[str]) -> WhoCounts | None:
    """Return what the record of the enrollments says of it, branches in `order`; None if it is an earlier version's."""
    distinct = recorded.get("distinct")
    if not isinstance(distinct, int):
        return None
    several = recorded.get("distinct_in_several")
    alarm = recorded.get("several_alarm", SEVERAL_ALARM)
    post = recorded.get("post_treatment")
    post_treatment = post if isinstance(post, list) else []
    excluded = recorded.get("excluded")
    return WhoCounts(
        SeveralBranches(str(recorded.get("several_branches", SeveralBranches.KEEP))),
        several / distinct if isinstance(several, int) and distinct else 0.0,
        alarm if isinstance(alarm, float | int) else SEVERAL_ALARM,
        tuple(
            Excluded(str(name), _units(units, order), name in post_treatment)
            for name, units in (excluded.items() if isinstance(excluded, dict) else ())
        ),
        _units(recorded.get("counted"), order),
        _split(recorded.get("split_before")),
        _split(recorded.get("split_after")),
    )


def who_counts_sentences(who: WhoCounts) -> Iterator[str]:
    """Yield what a reader must know of it; nothing where everybody counts."""
    for exclusion in who.excluded:
        yield f"excluded as {exclusion.name}: {_listed(exclusion.units)}"
    match who.several_branches:
        case SeveralBranches.DROP:
            yield "units in several branches count in none of them"
        case SeveralBranches.FIRST:
            yield "units in several branches count where they enrolled first"
        case SeveralBranches.KEEP:
            pass
    if who.excludes:
        yield f"after exclusions {_listed(who.counted)} count{_splits(who)}"
    for name in who.post_treatment:
        yield (
            f"exclusion {name} looks at the day of enrollment or later days: the experiment may decide who counts, so "
            "that all results may be biased"
        )


def who_counts_json(who: WhoCounts) -> dict[str, Json]:
    """Return it as plain data."""
    return {
        "several_branches": who.several_branches.value,
        "several_share": who.several_share,
        "several_alarm": who.is_too_often_in_several,
        "excluded": {exclusion.name: dict(exclusion.units) for exclusion in who.excluded},
        "counted": dict(who.counted),
        "post_treatment": list(who.post_treatment),
        "split_before": _split_json(who.before),
        "split_after": _split_json(who.after),
    }


def _splits(who: WhoCounts) -> str:
    if who.before is None or who.after is None:
        return ""
    tests = [
        f"p = {split.p_value:.2g}" if split.p_value is not None else "no test" for split in (who.before, who.after)
    ]
    text = f"; split as designed: {tests[0]} before, {tests[1]} after"
    if who.after.alarm and not who.before.alarm:
        return f"{text}: the exclusions take more from one branch than from another, doubt all estimates"
    return text


def _listed(units: Units) -> str:
    return ", ".join(f"{count:,} in {branch}" for branch, count in units)


def _units(found: object, order: Sequence[str]) -> Units:
    if not isinstance(found, dict):
        return ()
    return tuple((name, int(found[name])) for name in dict.fromkeys((*order, *found)) if name in found)


def _split(found: object) -> Split | None:
    if not isinstance(found, dict):
        return None
    p_value = found.get("p_value")
    return Split(
        float(p_value) if p_value is not None else None,
        bool(found.get("alarm")),
        float(found.get("deviation", 0.0)),
        str(found.get("branch", "")),
    )


def _split_json(split: Split | None) -> Json:
    return None if split is None else {"p_value": split.p_value, "alarm": split.alarm, "deviation": split.deviation}
