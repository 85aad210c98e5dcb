"""Counts the units of each window, and tests whether they are split as designed: queries and answers."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import product
from typing import TypeAlias

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

_Dates: TypeAlias = tuple[date, date]
# Basis, the dates in which a signal was looked for (None where no signal decides), segment and branch.
_Counted: TypeAlias = tuple[Basis, _Dates | None, str, str]


def count_units(
    plan: AnalysisPlan, engine: Engine, grids: Sequence[WindowGrid], labels: Mapping[str, str]
) -> dict[Period, Estimated]:
    """Return by period how many units each branch has, by window, basis and segment; 0 for a branch without any.

    After the counts comes the check of their split, where the plan asks for one.

    One query for each basis, whatever the number of periods: the first one is charged with them.
    """
    merged = _merged(grids)
    ranges = _ranges(plan, merged)
    queries = {grid.basis: counts_query(plan, grid) for grid in merged if not has_windows(plan, grid)}
    if ranges:
        queries[Basis.EXPOSURES] = _signal_counts(plan, [g for g in merged if has_windows(plan, g)], ranges)
    jobs: list[Job] = []
    counts: dict[_Counted, int] = {}
    for basis, sql in queries.items():
        result = engine.query(sql, labels=labels)
        jobs.append(result.job)
        for place, segment, branch, n in result.rows:
            dates = ranges[int(str(place))] if basis is Basis.EXPOSURES and ranges else None
            counts[basis, dates, str(segment), str(branch)] = int(str(n))
    found: dict[Period, list[Placed]] = {}
    for grid in merged:
        found.setdefault(grid.period, []).extend(_rows(plan, grid, counts))
    bases = list(Basis)
    counted: dict[Period, Estimated] = {}
    for period, rows in found.items():
        rows.sort(key=lambda placed: (placed.window_index, bases.index(placed.basis)))
        notes = tuple(split_notes(rows))
        counted[period] = Estimated(tuple(rows), notes, () if counted else tuple(jobs), units=_most(rows))
    return counted


def _rows(plan: AnalysisPlan, grid: WindowGrid, counts: Mapping[_Counted, int]) -> Iterator[Placed]:
    """Yield the rows of a period on a basis, by window."""
    dates = _dates(plan, grid) if has_windows(plan, grid) else {}
    branches = plan.experiment.branches
    for window in grid.windows:
        for segment in (ALL_UNITS, *(segment.name for segment in plan.enrollments.segments)):
            units = [counts.get((grid.basis, dates.get(window.index), segment, name), 0) for name in branches]
            found = [
                EstimateRow(metric=IDENTITY, statistic="count", branch=branch, n_units=n, point=float(n))
                for branch, n in zip(branches, units, strict=True)
            ]
            found += split_check(plan.experiment, units)
            yield from (Placed(row, grid.basis, window.index, segment) for row in found)


def _ranges(plan: AnalysisPlan, grids: Sequence[WindowGrid]) -> tuple[_Dates, ...]:
    """Return the dates in which a signal is looked for, whatever the period; none of grids of which none were read."""
    looked_at = (grid for grid in grids if has_windows(plan, grid) and grid.signals)
    return tuple(dict.fromkeys(dates for grid in looked_at for dates in _dates(plan, grid).values()))


def _dates(plan: AnalysisPlan, grid: WindowGrid) -> dict[int, _Dates]:
    """Return by window its first and last date on which a signal exposes a unit."""
    assert plan.signal is not None
    windows = plan.signal.windows_of(grid.period, grid.windows)
    return {window.index: (window.first_date, window.last_date) for window in windows}


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


def counts_query(plan: AnalysisPlan, grid: WindowGrid) -> Sql:
    """Return the query for (window_index, segment, branch, n) where all windows are alike; `window_index` is 0."""
    anchor = "enrollment_date" if grid.basis is Basis.ENROLLMENTS else "exposure_date"
    return fill(
        "estimating/counts",
        enrollments=grid.units,
        segments=lines(_members(plan), indent=0),
        branches=literals(plan.experiment.branches),
        anchor=Sql(anchor),
    )


def _members(plan: AnalysisPlan) -> list[Sql]:
    """Return an expression per segment over `e`, a row of the enrollments: its name if the unit is in it, or NULL."""
    own = [Sql(f"IF(e.{identifier(s.name)}, {literal(s.name)}, NULL)") for s in plan.enrollments.segments]
    return [literal(ALL_UNITS), *own]


def _signal_counts(plan: AnalysisPlan, grids: Sequence[WindowGrid], ranges: Sequence[_Dates]) -> Sql:
    """Return the query where a signal exposes units: each unit's dates are looked at once, for all ranges of dates.

    `window_index` is the place of a range among these.
    """
    assert plan.signal is not None
    segments = [ALL_UNITS, *(segment.name for segment in plan.enrollments.segments)]
    members = [Sql("TRUE"), *(Sql(f"IFNULL(e.{identifier(name)}, FALSE)") for name in segments[1:])]
    cells = list(product(range(len(ranges)), range(len(segments))))
    column = plan.signal.partial.column
    signals = tuple(dict.fromkeys(part for grid in grids for part in grid.signals))
    return fill(
        "estimating/counts_signal",
        enrollments=grids[0].units,
        branches=literals(plan.experiment.branches),
        members=lines([Sql(f"{member} AS in_{i}") for i, member in enumerate(members)], indent=0),
        memberships=lines([Sql(f"LOGICAL_OR(u.in_{i}) AS in_{i}") for i in range(len(members))], indent=0),
        signal=identifier(column),
        signals=slices.days(names.signals(plan), signals, [column]),
        windows=lines(
            [
                Sql(f"LOGICAL_OR(s.submission_date BETWEEN {literal(first)} AND {literal(last)}) AS window_{place}")
                for place, (first, last) in enumerate(ranges)
            ],
            indent=0,
        ),
        counts=lines([Sql(f"COUNTIF(x.window_{place} AND x.in_{i}) AS n_{place}_{i}") for place, i in cells], indent=0),
        cells=lines(
            [
                Sql(f"STRUCT({place} AS window_index, {literal(segments[i])} AS segment, c.n_{place}_{i} AS n)")
                for place, i in cells
            ],
            indent=0,
        ),
    )
