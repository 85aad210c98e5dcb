"""The relation of the units that count in results: the enrolled ones, without those that the plan excludes."""

from dataclasses import replace
from typing import assert_never

from jetstream_argo.config.exclusions import SeveralBranches
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.plan.population import Exclusion
from jetstream_argo.sql.text import Sql, fill, identifier, in_brackets, lines, literals
from jetstream_argo.sql.units import EXPOSURE, UNIT, StoredUnits, enrolled

_BRANCHES = "branches"  # how many branches the unit is in
_FIRST = "is_first"  # whether this is the branch it enrolled in first, and no other on the same day


def counting(plan: AnalysisPlan, units: StoredUnits, *, exposures: bool = True) -> Sql:
    """Return the relation of `sql.units.enrolled`, in brackets, of those units that count."""
    if not plan.enrollments.exclusions.excludes:
        return enrolled(plan, units, exposures=exposures)
    columns = _columns(units, exposures=exposures)
    query = fill(
        "counting",
        columns=lines([Sql(f"c.{column}") for column in columns]),
        judged=judged(plan, units, exposures=exposures),
        counts=counts(plan),
    )
    return in_brackets(query)


def judged(plan: AnalysisPlan, units: StoredUnits, *, exposures: bool = True) -> Sql:
    """Return the relation of `sql.units.enrolled`, in brackets, with what says whether a unit counts.

    That is (branches, is_first) and for each exclusion of the plan (excluded_0, excluded_1, …), never NULL.
    """
    first = "COUNT(*) OVER (PARTITION BY e.analysis_id, e.enrollment_date) = 1"
    columns = [Sql(f"e.{column}") for column in _columns(units, exposures=exposures)]
    columns.append(Sql(f"COUNT(*) OVER (PARTITION BY e.analysis_id) AS {_BRANCHES}"))
    columns.append(
        Sql(f"{first}\n  AND e.enrollment_date = MIN(e.enrollment_date) OVER (PARTITION BY e.analysis_id) AS {_FIRST}")
    )
    named = plan.enrollments.exclusions.named
    columns += [Sql(f"{_condition(exclusion)} AS {excluded_column(place)}") for place, exclusion in enumerate(named)]
    everybody = enrolled(plan, replace(units, segments=(*units.segments, *units.excluded)), exposures=exposures)
    return in_brackets(fill("judged", columns=lines(columns), units=everybody))


def by_day_query(plan: AnalysisPlan, units: StoredUnits) -> Sql:
    """Return the query for (enrollment_date, branch, n, n_0, n_1, …): units that count, and those in each segment."""
    members = [
        Sql(f"COUNTIF(c.{identifier(segment.name)}) AS n_{place}") for place, segment in enumerate(units.segments)
    ]
    return fill(
        "units_by_day",
        columns=lines([Sql("c.enrollment_date"), Sql("c.branch"), Sql("COUNT(*) AS n"), *members], indent=0),
        units=counting(plan, units, exposures=False),
        branches=literals(plan.experiment.branches),
    )


def excluded_column(place: int) -> str:
    """Return the column that says whether a unit meets an exclusion, by its place among the plan's."""
    return f"excluded_{place}"


def counts(plan: AnalysisPlan) -> Sql:
    """Return the condition, over a row `c` of the judged units, that the unit counts."""
    exclusions = plan.enrollments.exclusions
    conditions = [f"NOT c.{excluded_column(place)}" for place in range(len(exclusions.named))]
    match exclusions.several_branches:
        case SeveralBranches.KEEP:
            pass
        case SeveralBranches.DROP:
            conditions.append(f"c.{_BRANCHES} = 1")
        case SeveralBranches.FIRST:
            conditions.append(f"c.{_FIRST}")
        case _:
            assert_never(exclusions.several_branches)
    return Sql("\n  AND ".join(conditions) or "TRUE")


def _columns(units: StoredUnits, *, exposures: bool) -> tuple[Sql, ...]:
    segments = (identifier(segment.name) for segment in units.segments)
    known = (*(Sql(name) for name in (*UNIT, "assignment")), *segments)
    return (*known, *(Sql(name) for name in EXPOSURE)) if exposures else known


def _condition(exclusion: Exclusion) -> str:
    if exclusion.rows is not None:
        return f"IFNULL(e.{exclusion.column}, FALSE)"
    # A comment at the end of a condition must not swallow what follows it.
    return f"IFNULL((\n  {exclusion.condition}\n), FALSE)"
