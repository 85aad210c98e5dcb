"""Tests whether the enrolled units are split as designed, with and without exclusions; if not, finds the cause."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.run.unit_counts import UnitCounts
from jetstream_argo.sql.counting import by_day_query
from jetstream_argo.sql.units import StoredUnits
from jetstream_argo.stats.checks import SplitTest, split_test

_MOST_CAUSES = 3


@dataclass(frozen=True, slots=True)
class UnitPart:
    """Some of the units, by branch: those of one day or one segment."""

    kind: str
    name: str
    units: tuple[int, ...]


def split_facts(context: Context, units: StoredUnits, counts: UnitCounts) -> dict[str, object]:
    """Return the checks of the split for the record; nothing where none is asked for, or no unit is enrolled."""
    plan = context.plan
    found = [counts.by_branch.get(branch) for branch in plan.experiment.branches]
    after = [0 if branch is None else branch.counted for branch in found]
    test = _test(plan, after)
    facts: dict[str, object] = {}
    if test is not None:
        facts["split_after"] = _recorded(plan, test)
        if _is_alarm(plan, test):
            facts["split_causes"] = list(causes(plan, after, _parts(context, units)))
    before = _test(plan, [0 if branch is None else branch.units for branch in found])
    if before is not None and plan.enrollments.exclusions.excludes:
        facts["split_before"] = _recorded(plan, before)
    return facts


def _test(plan: AnalysisPlan, units: Sequence[int]) -> SplitTest | None:
    experiment = plan.experiment
    shares = experiment.branch_shares
    if not experiment.sample_ratio_alarm or len(units) != len(shares) or len(units) < 2 or not sum(units):  # noqa: PLR2004  # a split
        return None
    return split_test(units, shares)


def _is_alarm(plan: AnalysisPlan, test: SplitTest) -> bool:
    return test.is_alarm(plan.experiment.sample_ratio_alarm, plan.experiment.sample_ratio_deviation)


def _recorded(plan: AnalysisPlan, test: SplitTest) -> dict[str, object]:
    return {
        "p_value": test.p_value,
        "alarm": _is_alarm(plan, test),
        "deviation": test.deviation,
        "branch": plan.experiment.branches[test.branch],
    }


def _parts(context: Context, units: StoredUnits) -> list[UnitPart]:
    """Return the units that count by day of enrollment, and by segment."""
    result = context.engine.query(by_day_query(context.plan, units), labels=context.labels())
    rows = [{name: row[name] for name in row} for row in result.dicts()]
    branches = context.plan.experiment.branches
    days = list(dict.fromkeys(str(row["enrollment_date"]) for row in rows))

    def counted(column: str, day: str | None) -> tuple[int, ...]:
        own = [row for row in rows if day in (None, str(row["enrollment_date"]))]
        return tuple(sum(int(str(row[column])) for row in own if row["branch"] == branch) for branch in branches)

    parts = [UnitPart("day", day, counted("n", day)) for day in days]
    segments = enumerate(units.segments)
    return parts + [UnitPart("segment", segment.name, counted(f"n_{place}", None)) for place, segment in segments]


def causes(plan: AnalysisPlan, units: Sequence[int], parts: Sequence[UnitPart]) -> Iterator[dict[str, object]]:
    """Yield the parts whose own split is not as designed, the most improbable first, with the split of all others.

    A part is judged by its p-value times the number of parts (Bonferroni).
    """
    alarm = plan.experiment.sample_ratio_alarm / max(len(parts), 1)
    tested = [(part, _test(plan, part.units)) for part in parts]
    broken = [(part, test) for part, test in tested if test is not None and test.is_improbable(alarm)]
    for part, test in sorted(broken, key=lambda found: found[1].p_value or 0.0)[:_MOST_CAUSES]:
        others = _test(plan, [all_ - own for all_, own in zip(units, part.units, strict=True)])
        yield {
            "kind": part.kind,
            "name": part.name,
            "p_value": test.p_value,
            "p_value_of_others": None if others is None else others.p_value,
            "explains": others is not None and not _is_alarm(plan, others),
        }
