"""Notes about covariate adjustments: the units that they leave out, and where none could be made."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from jetstream_argo.estimating.groups import RequestedStatistic
from jetstream_argo.estimating.model import Cell, Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.stats.moments import Covaried
from jetstream_argo.stats.rows import Reason
from jetstream_argo.stats.sufficient import BranchFacts


@dataclass(frozen=True, slots=True)
class Gap:
    """How many of the `n` units of a branch with a value lack the covariate of a statistic."""

    statistic: str
    cell: Cell
    branch: str
    without: int
    n: int


def gaps_of(statistic: RequestedStatistic, cell: Cell, branches: Sequence[BranchFacts]) -> Iterator[Gap]:
    """Yield the gap of every branch; nothing where nothing is adjusted."""
    for facts in branches:
        if isinstance(facts.data, Covaried):
            n = facts.data.units.n
            yield Gap(statistic.name, cell, facts.branch, n - facts.data.complete.n, n)


def gap_notes(gaps: Sequence[Gap]) -> Iterator[str]:
    """Yield for each statistic how many units of which branches lack the covariate, in the window with the most."""
    of_statistic: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.without:
            of_statistic.setdefault(gap.statistic, []).append(gap)
    for name, found in of_statistic.items():
        worst = max(found, key=lambda gap: gap.without / gap.n)
        there = [gap for gap in found if gap.cell == worst.cell]
        units = ", ".join(f"{gap.without:,} of {gap.n:,} units of {gap.branch}" for gap in there)
        where = f"window {worst.cell.window_index} of {worst.cell.basis.value}"
        yield f"{name}: {units} have no covariate and are not compared ({where})"


def unadjusted_notes(asked: Sequence[RequestedStatistic], rows: Sequence[Placed]) -> Iterator[str]:
    """Yield for each statistic in which windows all units were to be adjusted, and some branches are not."""
    of_statistic: dict[str, dict[int, None]] = {}
    for placed in _of_all_units(rows):
        if placed.row.adjusted is False:
            of_statistic.setdefault(placed.row.statistic, {})[placed.window_index] = None
    for statistic in asked:
        windows = of_statistic.get(statistic.method.row_name)
        if windows and not statistic.note:
            text = ", ".join(map(str, sorted(windows)))
            what = "too few units have the covariate, or it does not vary"
            yield f"{statistic.name} is unadjusted in windows {text}: {what}"


def adjusted_windows(rows: Sequence[Placed]) -> Mapping[int, bool]:
    """Return, by window, whether all estimates of all units that were to be adjusted are; not of windows without such.

    A comparison with a branch without units is none.
    """
    found: dict[int, bool] = {}
    for placed in _of_all_units(rows):
        if placed.row.adjusted is not None:
            found[placed.window_index] = found.get(placed.window_index, True) and placed.row.adjusted
    return found


def _of_all_units(rows: Sequence[Placed]) -> Iterator[Placed]:
    return (placed for placed in rows if placed.segment == ALL_UNITS and placed.row.reason is not Reason.NO_UNITS)
