"""The parameters that several statistics have: what they may be, and what follows from them."""

from jetstream_argo.stats.arguments import number, whole
from jetstream_argo.stats.needs import Adjustment, ClipRule, ClipScope, JointMomentsNeed, MomentsNeed

LARGEST_GRID = 100_000

confidence = number(0, 1, inclusive=False)
share_dropped = number(0, 0.5)
points = whole(2, LARGEST_GRID)
samples = whole(1, 10**9)


def covariate(value: object) -> Adjustment | None:
    """Return the covariate, if there is one; a table becomes one before (`config.resolve.statistics`)."""
    if value is None or isinstance(value, Adjustment):
        return value
    raise ValueError(f"must be a table such as {{period = 'preenrollment_week'}}, is {value!r}")


def clip_rule(drop_highest: float, scope: ClipScope) -> ClipRule | None:
    """Return how values are clipped; None where nothing is."""
    # Clipping at the maximum changes nothing, and costs a query.
    return ClipRule(drop_highest, scope) if drop_highest > 0 else None


def moments_of_means(drop_highest: float, adjustment: Adjustment | None) -> MomentsNeed | JointMomentsNeed:
    """Return what a comparison of means needs, clipped at a quantile of all branches together."""
    clip = clip_rule(drop_highest, ClipScope.POOLED)
    return JointMomentsNeed(clip, adjustment) if adjustment else MomentsNeed(clip)
