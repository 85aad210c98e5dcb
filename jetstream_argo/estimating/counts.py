"""Counts the units of each window, and tests whether they are split as designed: queries and answers."""

from collections.abc import Mapping, Sequence

from jetstream_argo.config.model import Basis
from jetstream_argo.config.periods import Period
from jetstream_argo.estimating.model import Estimated, Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.estimating.sample_ratio import split_check, split_notes
from jetstream_argo.plan.model import AnalysisPlan
from jetstream_argo.sql import names, slices
from jetstream_argo.sql.text import Sql, fill, identifier, lines, literal, literals
from jetstream_argo.sql.values import WindowGrid
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.store.estimates_table import IDENTITY
from jetstream_argo.warehouse.protocol import Engine
from jetstream_argo.warehouse.types import Job

EVERY_WINDOW = 0


def count_units(
    plan: AnalysisPlan, engine: Engine, grids: Sequence[WindowGrid], labels: Mapping[str, str]
) -> Estimated:
    """Return how many units each branch has, by window, basis and segment; 0 for a branch without any.

    After the counts comes the check of their split, where the plan asks for one.

    One query for each basis, and for each period of exposures by a signal.
    """
    merged = _merged(grids)
    answers: dict[Sql, dict[tuple[int, str, str], int]] = {}
    jobs: list[Job] = []
    for grid in merged:
        if _is_without_signals(plan, grid):
            continue
        sql = counts_query(plan, grid)
        if sql not in answers:
            result = engine.query(sql, labels=labels)
            jobs.append(result.job)
            answers[sql] = {
                (int(str(row["window_index"])), str(row["segment"]), str(row["branch"])): int(str(row["n"]))
                for row in result.dicts()
            }
    rows: list[Placed] = []
    segments = (ALL_UNITS, *(segment.name for segment in plan.enrollments.segments))
    for grid in merged:
        counts = {} if _is_without_signals(plan, grid) else answers[counts_query(plan, grid)]
        for window in grid.windows:
            index = window.index if has_windows(plan, grid) else EVERY_WINDOW
            for segment in segments:
                units = [counts.get((index, segment, branch), 0) for branch in plan.experiment.branches]
                found = [
                    EstimateRow(metric=IDENTITY, statistic="count", branch=branch, n_units=n, point=float(n))
                    for branch, n in zip(plan.experiment.branches, units, strict=True)
                ]
                found += split_check(plan.experiment, units)
                rows += (Placed(row, grid.basis, window.index, segment) for row in found)
    bases = list(Basis)
    rows.sort(key=lambda placed: (placed.window_index, bases.index(placed.basis)))
    return Estimated(tuple(rows), tuple(split_notes(rows)), tuple(jobs), units=_most(rows))


def _merged(grids: Sequence[WindowGrid]) -> list[WindowGrid]:
    """One grid for each basis and period, with all windows."""
    found: dict[tuple[Basis, Period], list[WindowGrid]] = {}
    for grid in grids:
        found.setdefault((grid.basis, grid.period), []).append(grid)
    return [
        WindowGrid(
            basis,
            period,
            tuple(dict.fromkeys(window for grid in parts for window in grid.windows)),
            parts[0].units,
            tuple(dict.fromkeys(part for grid in parts for part in grid.signals)),
        )
        for (basis, period), parts in found.items()
    ]


def _most(rows: Sequence[Placed]) -> int:
    totals: dict[tuple[Basis, int], int] = {}
    for placed in rows:
        if placed.segment == ALL_UNITS and placed.row.metric == IDENTITY:
            key = (placed.basis, placed.window_index)
            totals[key] = totals.get(key, 0) + placed.row.n_units
    return max(totals.values(), default=0)


def has_windows(plan: AnalysisPlan, grid: WindowGrid) -> bool:
    """Whether units differ from window to window: they do where a signal exposes them."""
    return plan.signal is not None and grid.basis is Basis.EXPOSURES


def _is_without_signals(plan: AnalysisPlan, grid: WindowGrid) -> bool:
    """Return whether no signals were looked for on the dates of `grid`, since there were no units."""
    return has_windows(plan, grid) and not grid.signals


def counts_query(plan: AnalysisPlan, grid: WindowGrid) -> Sql:
    """Return the query for (window_index, segment, branch, n); `window_index` is 0 where all windows are alike."""
    branches = literals(plan.experiment.branches)
    if has_windows(plan, grid):
        return _signal_counts(plan, grid, branches)
    anchor = "enrollment_date" if grid.basis is Basis.ENROLLMENTS else "exposure_date"
    return fill(
        "estimating/counts",
        enrollments=grid.units,
        segments=lines(_members(plan), indent=0),
        branches=branches,
        anchor=Sql(anchor),
    )


def _members(plan: AnalysisPlan) -> list[Sql]:
    """Return an expression per segment over `e`, a row of the enrollments: its name if the unit is in it, or NULL."""
    own = [Sql(f"IF(e.{identifier(s.name)}, {literal(s.name)}, NULL)") for s in plan.enrollments.segments]
    return [literal(ALL_UNITS), *own]


def _signal_counts(plan: AnalysisPlan, grid: WindowGrid, branches: Sql) -> Sql:
    """Return the query where a signal exposes units: each unit's dates are looked at once, for all windows."""
    assert plan.signal is not None
    windows = plan.signal.windows_of(grid.period, grid.windows)
    segments = [ALL_UNITS, *(segment.name for segment in plan.enrollments.segments)]
    members = [Sql("TRUE"), *(Sql(f"IFNULL(e.{identifier(name)}, FALSE)") for name in segments[1:])]
    column = plan.signal.partial.column
    return fill(
        "estimating/counts_signal",
        enrollments=grid.units,
        branches=branches,
        members=lines([Sql(f"{member} AS in_{i}") for i, member in enumerate(members)], indent=0),
        memberships=lines([Sql(f"LOGICAL_OR(u.in_{i}) AS in_{i}") for i in range(len(members))], indent=0),
        signal=identifier(column),
        signals=slices.days(names.signals(plan), grid.signals, [column]),
        windows=lines(
            [
                Sql(
                    f"LOGICAL_OR(s.submission_date BETWEEN {literal(window.first_date)} "
                    f"AND {literal(window.last_date)}) AS window_{window.index}"
                )
                for window in windows
            ],
            indent=0,
        ),
        counts=lines([Sql(f"COUNTIF(x.in_{i}) AS n_{i}") for i in range(len(members))], indent=0),
        in_windows=lines(
            [Sql(f"STRUCT({w.index} AS window_index, x.window_{w.index} AS is_exposed)") for w in windows], indent=0
        ),
        segments=lines(
            [Sql(f"STRUCT({literal(name)} AS segment, c.n_{i} AS n)") for i, name in enumerate(segments)], indent=0
        ),
    )
