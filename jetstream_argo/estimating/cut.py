"""Finds what clipping cuts from the values of each branch, and what the estimates would be without it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from scipy.special import ndtr, ndtri

from jetstream_argo.errors import EstimateError
from jetstream_argo.estimating.groups import RequestedStatistic
from jetstream_argo.estimating.model import Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.methods.welch_mean import WelchMean
from jetstream_argo.stats.moments import Covaried, Moments
from jetstream_argo.stats.needs import ClipRule, ClipScope, JointMomentsNeed, MomentsNeed, Need, PowerSumsNeed
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import BranchFacts, Sample

# A p-value below which one branch has more units cut than another by more than chance.
ALARM = 1e-3

_NAMED = 5  # windows that a note names

# Gives the sample of all branches for a need.
SampleOf = Callable[[Need], Sample]


@dataclass(frozen=True, slots=True)
class Cut:
    """How many of a branch's `n` units are clipped, and the means without and with that."""

    n: int
    clipped: int
    mean: float
    clipped_mean: float

    @property
    def share(self) -> float | None:
        """Which share of the sum of all values is cut; None where that sum is not positive."""
        return 1 - self.clipped_mean / self.mean if self.mean > 0 else None


def with_cuts(
    rows: Sequence[EstimateRow], statistic: RequestedStatistic, sample_of: SampleOf, cuts: Sequence[int | None]
) -> tuple[EstimateRow, ...]:
    """Return the rows of a clipped mean with what was cut; others as they are.

    `cuts` are the units of each branch that are clipped, in the sample's order.
    """
    clip = clip_of(statistic.need)
    if clip is None or not isinstance(statistic.method, LinearModelMean | WelchMean | BootstrapMean) or None in cuts:
        return tuple(rows)
    found = dict(_cuts(statistic.need, clip, sample_of, cuts))
    without = _without(statistic, found, sample_of)
    return tuple(_told(row, found, without, clip) for row in rows)


def clip_of(need: Need) -> ClipRule | None:
    """Return how the values of a mean are clipped, if they are."""
    return need.clip if isinstance(need, MomentsNeed | JointMomentsNeed | PowerSumsNeed) else None


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


def _cuts(need: Need, clip: ClipRule, sample_of: SampleOf, cuts: Sequence[int | None]) -> Iterator[tuple[str, Cut]]:
    """Yield what is cut from each branch."""
    adjustment = need.covariate if isinstance(need, JointMomentsNeed) else None
    asked = MomentsNeed(clip) if adjustment is None else JointMomentsNeed(clip, adjustment)
    clipped, bare = sample_of(asked), sample_of(replace(asked, clip=None))
    for with_, without, cut in zip(clipped.branches, bare.branches, cuts, strict=True):
        own, all_ = _units(with_), _units(without)
        yield with_.branch, Cut(all_.n, cut or 0, all_.mean * bare.scale, own.mean * clipped.scale)


def _units(facts: BranchFacts) -> Moments:
    match facts.data:
        case Moments():
            return facts.data
        case Covaried():
            return facts.data.units
        case _:
            return Moments(0, 0.0, 0.0)


def _key(row: EstimateRow) -> tuple[str, Comparison | None, str | None]:
    return row.branch, row.comparison, row.comparison_to_branch


def _without(
    statistic: RequestedStatistic, cuts: Mapping[str, Cut], sample_of: SampleOf
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
    points: dict[tuple[str, Comparison | None, str | None], float] = {
        (name, None, None): cut.mean for name, cut in cuts.items() if cut.n
    }
    for reference, base in cuts.items():
        for name, cut in cuts.items():
            if name != reference and cut.n and base.n:
                points[name, Comparison.DIFFERENCE, reference] = cut.mean - base.mean
                if base.mean:
                    points[name, Comparison.RELATIVE_UPLIFT, reference] = cut.mean / base.mean - 1
    return points


def _told(
    row: EstimateRow,
    cuts: Mapping[str, Cut],
    without: Mapping[tuple[str, Comparison | None, str | None], float],
    clip: ClipRule,
) -> EstimateRow:
    unclipped, cut = without.get(_key(row)), cuts[row.branch]
    if row.comparison is None:
        return replace(row, n_clipped=cut.clipped, clipped_share=cut.share, unclipped=unclipped)
    other = cuts[row.comparison_to_branch or ""]
    uneven = clip.scope is ClipScope.POOLED and _are_uneven(cut, other)
    error = _error(row)
    moved = None not in (unclipped, row.point, error) and abs((unclipped or 0.0) - (row.point or 0.0)) > (error or 0.0)
    return replace(row, unclipped=unclipped, clipping_matters=uneven or moved)


def _error(row: EstimateRow) -> float | None:
    """Return the standard error of a comparison, by its interval where the row does not say."""
    if row.std_error is not None or row.lower is None or row.upper is None or row.ci_width is None:
        return row.std_error
    return (row.upper - row.lower) / (2 * float(ndtri((1 + row.ci_width) / 2)))


def _are_uneven(cut: Cut, other: Cut) -> bool:
    """Whether other shares of two branches' units are cut than chance makes them: a test of two proportions."""
    n, clipped = cut.n + other.n, cut.clipped + other.clipped
    if not cut.n or not other.n or clipped in (0, n):
        return False
    share = clipped / n
    error = sqrt(share * (1 - share) * (1 / cut.n + 1 / other.n))
    return 2 * float(ndtr(-abs(cut.clipped / cut.n - other.clipped / other.n) / error)) < ALARM
