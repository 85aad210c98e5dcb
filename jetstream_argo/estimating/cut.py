"""Tells what clipping cuts from the values of each branch, and what the estimates would be without it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from math import isfinite, sqrt

from scipy.special import ndtr, ndtri, stdtr

from jetstream_argo.errors import EstimateError
from jetstream_argo.estimating.branch_cut import BranchCut, ColumnCut
from jetstream_argo.estimating.groups import RequestedStatistic
from jetstream_argo.estimating.model import Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.methods.population_ratio import PopulationRatio
from jetstream_argo.stats.methods.ratio_delta import RatioDelta
from jetstream_argo.stats.methods.welch_mean import WelchMean
from jetstream_argo.stats.needs import (
    ClipRule,
    ClipScope,
    JointMomentsNeed,
    MomentsNeed,
    Need,
    PowerSumsNeed,
    RatioNeed,
)
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import Sample

# A p-value below which one branch has more units cut than another by more than chance.
ALARM = 1e-3

# Units of a branch that must be cut, for a test of the share that is cut of their sum.
FEWEST_CLIPPED = 10

_NAMED = 5  # windows that a note names

# Gives the sample of all branches for a need.
SampleOf = Callable[[Need], Sample]

_TOLD = LinearModelMean | WelchMean | BootstrapMean | PopulationRatio | RatioDelta


def with_cuts(
    rows: Sequence[EstimateRow],
    statistic: RequestedStatistic,
    sample_of: SampleOf,
    cuts: Mapping[str, BranchCut | None],
) -> tuple[EstimateRow, ...]:
    """Return the rows of a clipped mean, or ratio of means, with what was cut from each branch; others as they are."""
    clip = clip_of(statistic.need)
    found = {branch: cut for branch, cut in cuts.items() if cut is not None}
    if clip is None or len(found) < len(cuts) or not isinstance(statistic.method, _TOLD):
        return tuple(rows)
    without = _without(statistic, found, sample_of)
    return tuple(_told(row, found, without, clip) for row in rows)


def clip_of(need: Need) -> ClipRule | None:
    """Return how the values of a mean or ratio are clipped, if they are."""
    return need.clip if isinstance(need, MomentsNeed | JointMomentsNeed | PowerSumsNeed | RatioNeed) else None


def cut_notes(rows: Sequence[Placed]) -> Iterator[str]:
    """Yield for each statistic, of all units, where clipping changes an uplift by more than a standard error, or cuts
    more from one branch than from another."""
    marked: dict[tuple[str, str], list[Placed]] = {}
    for placed in rows:
        row = placed.row
        if row.clipping_matters and placed.segment == ALL_UNITS and row.comparison is Comparison.RELATIVE_UPLIFT:
            marked.setdefault((row.statistic, placed.basis.value), []).append(placed)
    for (name, basis), found in marked.items():
        worst = max(found, key=lambda placed: abs((placed.row.point or 0.0) - (placed.row.unclipped or 0.0)))
        indexes = list(dict.fromkeys(placed.window_index for placed in found))
        named = f"windows {', '.join(map(str, indexes))}"
        windows = named if len(indexes) <= _NAMED else f"{len(indexes)} windows"
        row = worst.row
        if row.point is not None and row.unclipped is not None:
            yield (
                f"clipping matters to {name} of {basis} in {windows}: in window {worst.window_index} "
                f"{row.branch} against {row.comparison_to_branch} is {row.point:+.2%} clipped, {row.unclipped:+.2%} not"
            )


def _key(row: EstimateRow) -> tuple[str, Comparison | None, str | None]:
    return row.branch, row.comparison, row.comparison_to_branch


def _without(
    statistic: RequestedStatistic, cuts: Mapping[str, BranchCut], sample_of: SampleOf
) -> dict[tuple[str, Comparison | None, str | None], float]:
    """Return the points without clipping, by branch and comparison."""
    if isinstance(statistic.method, LinearModelMean | WelchMean):
        method = replace(statistic.method, drop_highest=0.0)
        try:
            rows = estimate(
                method, sample_of(method.need() if statistic.need == statistic.method.need() else MomentsNeed(None))
            )
        except EstimateError:
            return {}
        return {_key(row): row.point for row in rows if row.point is not None}
    scale = sample_of(statistic.need).scale
    own = {name: cut.unclipped * scale for name, cut in cuts.items() if cut.unclipped is not None}
    points: dict[tuple[str, Comparison | None, str | None], float] = {
        (name, None, None): point for name, point in own.items()
    }
    for (reference, base), (name, point) in permutations(own.items(), 2):
        points[name, Comparison.DIFFERENCE, reference] = point - base
        if base:
            points[name, Comparison.RELATIVE_UPLIFT, reference] = point / base - 1
    return points


def _told(
    row: EstimateRow,
    cuts: Mapping[str, BranchCut],
    without: Mapping[tuple[str, Comparison | None, str | None], float],
    clip: ClipRule,
) -> EstimateRow:
    unclipped, cut = without.get(_key(row)), cuts[row.branch]
    if row.comparison is None:
        return replace(
            row,
            n_clipped=cut.n_clipped,
            clipped_share=cut.share(0),
            denominator_clipped_share=cut.share(1),
            unclipped=unclipped,
        )
    other = cuts[row.comparison_to_branch or ""]
    # Where each branch is clipped at a quantile of its own, the same share of its units is cut from each.
    own_limits = clip.scope is ClipScope.PER_BRANCH
    uneven = differ_in_share(cut, other, clip.drop_highest) if own_limits else are_uneven(cut, other)
    error = _error(row)
    moved = None not in (unclipped, row.point, error) and abs((unclipped or 0.0) - (row.point or 0.0)) > (error or 0.0)
    return replace(row, unclipped=unclipped, clipping_matters=uneven or moved)


def _error(row: EstimateRow) -> float | None:
    """Return the standard error of a comparison, by its interval where the row does not say."""
    if row.std_error is not None or row.lower is None or row.upper is None or row.ci_width is None:
        return row.std_error
    return (row.upper - row.lower) / (2 * float(ndtri((1 + row.ci_width) / 2)))


def are_uneven(cut: BranchCut, other: BranchCut) -> bool:
    """Whether other shares of two branches' units are cut than chance makes them: a test of two proportions."""
    n, clipped = cut.n + other.n, cut.n_clipped + other.n_clipped
    if not cut.n or not other.n or clipped in (0, n):
        return False
    share = clipped / n
    error = sqrt(share * (1 - share) * (1 / cut.n + 1 / other.n))
    return 2 * float(ndtr(-abs(cut.n_clipped / cut.n - other.n_clipped / other.n) / error)) < ALARM


def differ_in_share(cut: BranchCut, other: BranchCut, drop_highest: float) -> bool:
    """Whether other shares of two branches' sums are cut than chance makes them, by Bonferroni over the columns."""
    if not cut.n or not other.n:
        return False
    p_values = [_p_value_of_shares(*pair, drop_highest) for pair in zip(cut.columns, other.columns, strict=True)]
    return min(p_values) * len(p_values) < ALARM


def _p_value_of_shares(column: ColumnCut, other: ColumnCut, drop_highest: float) -> float:
    """Return the p-value of a t test: so few values make a share as are cut."""
    variance = column.share_variance(drop_highest) + other.share_variance(drop_highest)
    if column.share is None or other.share is None or not isfinite(variance) or variance == 0:
        return 1.0
    if min(column.n_clipped, other.n_clipped) < FEWEST_CLIPPED:
        return 1.0
    dof = min(column.n_clipped, other.n_clipped) - 1
    return 2 * float(stdtr(dof, -abs(column.share - other.share) / sqrt(variance)))
