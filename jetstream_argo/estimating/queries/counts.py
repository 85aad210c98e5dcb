"""The queries for how many units there are."""

from jetstream_argo.config.model import Basis
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literal, literals
from jetstream_argo.sql.values import WindowGrid, signal_grid


def has_windows(plan: AnalysisPlan, grid: WindowGrid) -> bool:
    """Whether units differ from window to window: they do where a signal exposes them."""
    return plan.signal is not None and grid.basis is Basis.EXPOSURES


def counts_query(plan: AnalysisPlan, grid: WindowGrid) -> Sql:
    """Return the query for (window_index, segment, branch, n); `window_index` is 0 where all windows are alike."""
    branches = literals(plan.experiment.branches)
    segments = lines(_members(plan), indent=0)
    if has_windows(plan, grid):
        return fill(
            "estimating/counts_signal",
            grid=signal_grid(plan, grid),
            enrollments=grid.units,
            segments=segments,
            branches=branches,
        )
    anchor = "enrollment_date" if grid.basis is Basis.ENROLLMENTS else "exposure_date"
    return fill(
        "estimating/counts",
        enrollments=grid.units,
        segments=segments,
        branches=branches,
        anchor=Sql(anchor),
    )


def _members(plan: AnalysisPlan) -> list[Sql]:
    """Return an expression per segment over `e`, a row of the enrollments: its name if the unit is in it, or NULL."""
    own = [Sql(f"IF(e.{identifier(s.name)}, {literal(s.name)}, NULL)") for s in plan.enrollments.segments]
    return [literal(ALL_UNITS), *own]
