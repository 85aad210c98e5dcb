"""Tells of each difference in a segment whether it differs from that on all other units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from jetstream_argo.estimating.groups import RequestedStatistic
from jetstream_argo.stats.comparisons.segment_effects import differ, effects
from jetstream_argo.stats.methods.binomial import Binomial
from jetstream_argo.stats.methods.bootstrap_mean import BootstrapMean
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.methods.per_client_dau_impact import PerClientDauImpact
from jetstream_argo.stats.methods.welch_mean import WelchMean
from jetstream_argo.stats.moments import Covaried, Moments, Successes
from jetstream_argo.stats.rows import Comparison, EstimateRow

_TESTED = LinearModelMean | WelchMean | BootstrapMean | Binomial


@dataclass(frozen=True, slots=True)
class Sides:
    """A branch's units in a segment and outside of it, both with values clipped as those of all units are."""

    inside: Moments | Covaried
    outside: Moments | Covaried


def sides_of_shares(part: Successes, whole: Successes) -> Sides:
    """Return the two sides of a share, of units of which some are in the segment."""
    others = Successes(whole.n - part.n, whole.successes - part.successes)
    return Sides(_share(part), _share(others))


def _share(counted: Successes) -> Moments:
    share = counted.successes / counted.n if counted.n else 0.0
    return Moments(counted.n, share, counted.n * share * (1 - share))


def with_rest(
    rows: Sequence[EstimateRow], statistic: RequestedStatistic, sides: Mapping[str, Sides | None], *, scale: float
) -> tuple[EstimateRow, ...]:
    """Return the rows, those of differences of means or shares with the test against all units outside the segment.

    `sides` are of values divided by `scale`, and None of a branch of which nothing is known.
    """
    known = {branch: side for branch, side in sides.items() if side is not None}
    if not isinstance(statistic.method, _TESTED) or isinstance(statistic.method, PerClientDauImpact):
        return tuple(rows)
    return tuple(
        _tested(row, statistic, known, scale) if row.comparison is Comparison.DIFFERENCE else row for row in rows
    )


def _tested(row: EstimateRow, statistic: RequestedStatistic, sides: Mapping[str, Sides], scale: float) -> EstimateRow:
    pair = (row.comparison_to_branch or "", row.branch)
    if not all(name in sides for name in pair):
        return row
    inside, outside = ({name: getattr(side, place) for name, side in sides.items()} for place in ("inside", "outside"))
    found = effects(statistic.method, inside, outside, pair=pair)
    difference = differ(*found) if found is not None else None
    if found is None or difference is None or row.ci_width is None:
        return row
    lower, upper = (bound * scale for bound in difference.interval(row.ci_width))
    rest, point, p_value = found[1].point * scale, difference.point * scale, difference.p_value
    if not all(isfinite(number) for number in (rest, point, lower, upper, p_value)):
        return row
    return replace(
        row, rest_effect=rest, rest_difference=point, rest_lower=lower, rest_upper=upper, rest_p_value=p_value
    )
