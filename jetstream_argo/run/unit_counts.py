"""How many units are enrolled: per branch, in no branch of the experiment, and in several."""

from collections.abc import Mapping
from dataclasses import dataclass

from jetstream_argo.errors import nearest
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.run.context import Context
from jetstream_argo.sql.text import Sql
from jetstream_argo.sql.units import StoredUnits, enrolled


@dataclass(frozen=True, slots=True)
class UnitCounts:
    """Rows of units by branch, as the enrollment query names it: all, exposed ones, and those in other branches too."""

    units_of: Mapping[str, int]
    exposed_of: Mapping[str, int]
    in_several: int

    @property
    def units(self) -> int:
        """All rows: a unit counts once in each of its branches."""
        return sum(self.units_of.values())

    def left_out(self, plan: AnalysisPlan) -> dict[str, int]:
        """Return the units of names that are no branch of the experiment."""
        return {name: n for name, n in self.units_of.items() if name not in plan.experiment.branches}

    def misnamed(self, plan: AnalysisPlan) -> str:
        """Return what is wrong with the branches' names: some have no units, while others have that are no branch."""
        empty = [branch for branch in plan.experiment.branches if not self.units_of.get(branch)]
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
        parts = [f"{self.units_of.get(branch, 0)} in {branch}" for branch in plan.experiment.branches]
        parts += [f"{n} left out in {name!r}, which is no branch" for name, n in self.left_out(plan).items()]
        text = f"{self.units} units: {', '.join(parts)}; {sum(self.exposed_of.values())} exposed"
        if self.in_several:
            text += f"; {self.in_several} rows of units in several branches"
        return text

    def facts(self, plan: AnalysisPlan) -> dict[str, object]:
        """Return the same for the record."""
        branches = {
            branch: {"units": self.units_of.get(branch, 0), "exposed": self.exposed_of.get(branch, 0)}
            for branch in plan.experiment.branches
        }
        return {"branches": branches, "left_out": self.left_out(plan), "in_several": self.in_several}


def count_enrolled(context: Context, units: StoredUnits) -> UnitCounts:
    """Count the units that are stored."""
    relation = enrolled(context.plan, units, segments=False).replace("\n", "\n  ")
    result = context.engine.query(
        Sql(
            "-- One row per branch: its units, those exposed, and those that are in another branch too.\n"
            "SELECT u.branch, COUNT(*) AS units, COUNTIF(u.exposure_date IS NOT NULL) AS exposed,\n"
            "  COUNTIF(u.branches > 1) AS in_several\n"
            "FROM (\n"
            "  SELECT e.branch, e.exposure_date, COUNT(*) OVER (PARTITION BY e.analysis_id) AS branches\n"
            f"  FROM {relation} AS e\n"
            ") AS u\n"
            "GROUP BY u.branch\n"
            "ORDER BY u.branch\n"
        ),
        labels=context.labels(),
    )
    rows = {str(row["branch"]): row for row in result.dicts()}
    return UnitCounts(
        {branch: int(str(row["units"])) for branch, row in rows.items()},
        {branch: int(str(row["exposed"])) for branch, row in rows.items()},
        sum(int(str(row["in_several"])) for row in rows.values()),
    )
