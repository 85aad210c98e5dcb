"""Counts the enrolled units: per branch, in no branch of the experiment, in several, and those that do not count."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jetstream_argo.errors import nearest
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.sql.counting import counts, excluded_column, judged
from jetstream_argo.sql.text import Sql, fill, lines, literal
from jetstream_argo.sql.units import StoredUnits
from jetstream_argo.terminal.plural import counted


@dataclass(frozen=True, slots=True)
class BranchCounts:
    """Rows of units under one name of a branch.

    `in_several` are those that are in other branches too; `first_rows` counts each unit under one of its branches only,
    and `first_in_several` those of them that are in several. `outside` are those that enrolled before the first or
    after the last date of enrollment, `exposed_outside` those that were exposed then, where that is what their days
    count from. `excluded` are the rows that each exclusion of the plan takes, and `counted` those that count in
    results.
    """

    units: int
    exposed: int
    in_several: int
    first_rows: int
    first_in_several: int
    outside: int
    exposed_outside: int
    excluded: tuple[int, ...]
    counted: int


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """Rows of units by branch, as the enrollment query names it."""

    by_branch: Mapping[str, BranchCounts] = field(default_factory=dict)

    @property
    def units(self) -> int:
        """All rows: a unit counts once in each of its branches."""
        return sum(branch.units for branch in self.by_branch.values())

    @property
    def in_several(self) -> int:
        """The rows of units that are in several branches."""
        return sum(branch.in_several for branch in self.by_branch.values())

    @property
    def outside(self) -> int:
        """The rows of units that enrolled before the first or after the last date of enrollment."""
        return sum(branch.outside for branch in self.by_branch.values())

    @property
    def exposed_outside(self) -> int:
        """The rows of units that were exposed then."""
        return sum(branch.exposed_outside for branch in self.by_branch.values())

    def left_out(self, plan: AnalysisPlan) -> dict[str, int]:
        """Return the units of names that are no branch of the experiment."""
        return {name: branch.units for name, branch in self.by_branch.items() if name not in plan.experiment.branches}

    def misnamed(self, plan: AnalysisPlan) -> str:
        """Return what is wrong with the branches' names: some have no units, while others have that are no branch."""
        empty = [branch for branch in plan.experiment.branches if branch not in self.by_branch]
        left_out = self.left_out(plan)
        if not empty or not left_out or plan.experiment.allow_empty_branches:
            return ""
        there = ", ".join(f"{n:,} in {name!r}" for name, n in left_out.items())
        return (
            f"{plan.experiment.slug}: no unit is in {', '.join(map(repr, empty))}, while there are units in what is no "
            f"branch of the experiment: {there}{nearest(empty[0], left_out)}; correct the branches, "
            f"or set allow_empty_branches = true in [experiment]"
        )

    def message(self, plan: AnalysisPlan) -> str:
        """Return a line for people."""
        parts = [f"{self._units(branch):,} in {branch}" for branch in plan.experiment.branches]
        parts += [f"{n:,} left out in {name!r}, which is no branch" for name, n in self.left_out(plan).items()]
        exposed = sum(branch.exposed for branch in self.by_branch.values())
        text = f"{counted(self.units, 'unit')}: {', '.join(parts)}; {exposed:,} exposed"
        if self.in_several:
            text += f"; {counted(self.in_several, 'row')} of units in several branches"
        timeline = plan.experiment.timeline
        outside = {"enrolled": self.outside, "exposed": self.exposed_outside}
        for happened, rows in outside.items():
            text += f"; {rows:,} {happened} outside of {timeline.start} to {timeline.last_enrollment}" if rows else ""
        excluded = sum(self.by_branch[name].units - self.by_branch[name].counted for name in self._branches(plan))
        return f"{text}; {excluded:,} excluded" if excluded else text

    def facts(self, plan: AnalysisPlan) -> dict[str, object]:
        """Return the same for the record."""
        exclusions = plan.enrollments.exclusions
        none = BranchCounts(0, 0, 0, 0, 0, 0, 0, tuple(0 for _ in exclusions.named), 0)
        found = {name: self.by_branch.get(name, none) for name in plan.experiment.branches}
        facts: dict[str, object] = {
            "branches": {name: {"units": counts.units, "exposed": counts.exposed} for name, counts in found.items()},
            "left_out": self.left_out(plan),
            "in_several": self.in_several,
            "distinct": sum(counts.first_rows for counts in self.by_branch.values()),
            "distinct_in_several": sum(counts.first_in_several for counts in self.by_branch.values()),
        }
        if exclusions.excludes:
            facts["counted"] = {name: counts.counted for name, counts in found.items()}
            facts["excluded"] = {
                exclusion.name: {name: counts.excluded[place] for name, counts in found.items()}
                for place, exclusion in enumerate(exclusions.named)
            }
            facts["several_branches"] = exclusions.several_branches.value
            facts["post_treatment"] = list(exclusions.post_treatment)
        if self.outside or self.exposed_outside:
            timeline = plan.experiment.timeline
            facts["outside"] = {
                "enrolled": self.outside,
                "exposed": self.exposed_outside,
                "first_date": timeline.start.isoformat(),
                "last_date": timeline.last_enrollment.isoformat(),
            }
        return facts | ({"several_alarm": exclusions.several_alarm} if self.in_several else {})

    def _units(self, branch: str) -> int:
        return self.by_branch[branch].units if branch in self.by_branch else 0

    def _branches(self, plan: AnalysisPlan) -> list[str]:
        return [name for name in plan.experiment.branches if name in self.by_branch]


def count_enrolled(context: Context, units: StoredUnits) -> UnitCounts:
    """Count the units that are stored."""
    plan = context.plan
    timeline = plan.experiment.timeline
    dates = f"{literal(timeline.start)} AND {literal(timeline.last_enrollment)}"
    exposed_outside = "FALSE" if plan.signal else f"c.exposure_date NOT BETWEEN {dates}"
    places = range(len(plan.enrollments.exclusions.named))
    columns = [
        Sql("c.branch"),
        Sql("COUNT(*) AS units"),
        Sql("COUNTIF(c.exposure_date IS NOT NULL) AS exposed"),
        Sql("COUNTIF(c.branches > 1) AS in_several"),
        Sql("COUNTIF(c.row_of_unit = 1) AS first_rows"),
        Sql("COUNTIF(c.row_of_unit = 1 AND c.branches > 1) AS first_in_several"),
        Sql(f"COUNTIF(c.enrollment_date NOT BETWEEN {dates}) AS outside"),
        Sql(f"COUNTIF({exposed_outside}) AS exposed_outside"),
        *(Sql(f"COUNTIF(c.{excluded_column(place)}) AS {excluded_column(place)}") for place in places),
        Sql(f"COUNTIF({counts(plan)}) AS counted"),
    ]
    sql = fill("unit_counts", columns=lines(columns, indent=0), judged=judged(plan, replace(units, segments=())))
    found = {}
    for row in context.engine.query(sql, labels=context.labels()).dicts():
        number = {name: int(str(value)) for name, value in row.items() if name != "branch"}
        found[str(row["branch"])] = BranchCounts(
            units=number["units"],
            exposed=number["exposed"],
            in_several=number["in_several"],
            first_rows=number["first_rows"],
            first_in_several=number["first_in_several"],
            outside=number["outside"],
            exposed_outside=number["exposed_outside"],
            excluded=tuple(number[excluded_column(place)] for place in places),
            counted=number["counted"],
        )
    return UnitCounts(found)
