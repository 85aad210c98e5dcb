"""Compares a branch's effect in a segment with that on all other units."""

from collections.abc import Mapping
from typing import TypeAlias

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.comparisons import welch as pairs
from jetstream_argo.stats.comparisons.contrasts import (
    Contrast,
    between,
    cuped,
    less_predicted,
    regression_adjusted,
    welch,
)
from jetstream_argo.stats.comparisons.least_squares import fit
from jetstream_argo.stats.method import Method
from jetstream_argo.stats.methods.welch_mean import WelchMean
from jetstream_argo.stats.moments import Covaried, JointMoments, Moments

# The units of each branch.
Side: TypeAlias = Mapping[str, Moments | Covaried]


def effects(method: Method, inside: Side, outside: Side, *, pair: tuple[str, str]) -> tuple[Contrast, Contrast] | None:
    """Return the effects in the segment and outside of it, of the second branch of `pair` against the first.

    They are adjusted as the statistic adjusts them, on either side by the slopes of its own units; None where one of
    them cannot be, or cannot be compared at all.
    """
    try:
        found = tuple(_effect(method, side, pair) for side in (inside, outside))
    except EstimateError:  # too few units, or nothing varies
        return None
    return (found[0], found[1]) if found[0] is not None and found[1] is not None else None


def differ(effect: Contrast, rest: Contrast) -> Contrast | None:
    """Return by how much the effect is larger than that on the rest; None where neither has an error.

    Source:
        Welch (1947), Biometrika 34:28, of four means.
    """
    try:
        return between(effect, rest)
    except EstimateError:
        return None


def _effect(method: Method, side: Side, pair: tuple[str, str]) -> Contrast | None:
    reference, branch = side[pair[0]], side[pair[1]]
    if isinstance(reference, Covaried) and isinstance(branch, Covaried):
        complete = {name: units.complete for name, units in side.items() if isinstance(units, Covaried)}
        return _adjusted(method, complete, (reference.complete, branch.complete))
    if isinstance(reference, Moments) and isinstance(branch, Moments):
        return welch(reference, branch)
    return None


def _adjusted(
    method: Method, complete: Mapping[str, JointMoments], pair: tuple[JointMoments, JointMoments]
) -> Contrast | None:
    """Return the adjusted effect; None where the covariate does not vary or too few units have it."""
    reference, branch = pair
    if min(reference.n, branch.n) < pairs.OWN_SLOPES:
        return None
    if isinstance(method, WelchMean):
        if method.own_slopes and reference.x.varies and branch.x.varies:
            return regression_adjusted(reference, branch)
        return cuped(reference, branch) if reference.x.varies or branch.x.varies else None
    slope = fit(list(complete.values()), at=0.0).slope
    if slope is None:
        return None
    at = reference.mean_x
    return welch(less_predicted(reference, slope, at), less_predicted(branch, slope, at))
