"""The statistic `welch_mean`: means, compared without assuming equal variances."""

from dataclasses import dataclass, replace
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, flag, whole
from jetstream_argo.stats.draft import Draft
from jetstream_argo.stats.needs import Adjustment, JointMomentsNeed, MomentsNeed
from jetstream_argo.stats.parameters import confidence, covariate, moments_of_means, share_dropped
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class WelchMean:
    """Means, compared without assuming equal variances; a covariate reduces the variance (CUPED).

    With `own_slopes` each branch has its own slope on the covariate instead of one for both. With `always_valid` the
    intervals and p-values hold at all times together, however often one looks; they are narrowest when about
    `tuned_for` units are in the two branches.
    """

    row_name: ClassVar[str] = "mean_welch"
    drop_highest: float = argument(share_dropped, default=0.005)
    covariate_adjustment: Adjustment | None = argument(covariate, default=None)
    confidence_interval: float = argument(confidence, default=0.95)
    own_slopes: bool = argument(flag, default=False)
    always_valid: bool = argument(flag, default=False)
    tuned_for: int = argument(whole(1, 10**12), default=5000)

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return moments_of_means(self.drop_highest, self.covariate_adjustment)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's mean with its t interval, then for every pair the difference and the relative uplift.

        Differences have Welch's t interval and p-value, or the always-valid ones; relative uplifts the normal interval
        of the delta method. With a covariate each pair is compared by CUPED, over the units that have it; the
        individual means are of all units, and those that an adjusted difference compares stand beside it. Two units a
        branch are needed, and values that vary; where fewer have a covariate that varies, the comparison is unadjusted
        and says so.

        Raises:
            EstimateError: the sample holds neither `Moments` nor `Covaried`.
        """
        from jetstream_argo.stats.comparisons import welch
        from jetstream_argo.stats.comparisons.means import mean_interval, units_of

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        rows = []
        for facts in sample.branches:
            own = units_of(facts)
            row = draft.of_branch(facts.branch, own.n, mean_interval(own, self.confidence_interval))
            rows.append(row if self.covariate_adjustment is None else replace(row, n_without_covariate=0))
        options = welch.Options(
            self.confidence_interval, self.own_slopes, self.tuned_for if self.always_valid else None
        )
        for pair in welch.pairs(sample):
            for comparison, compare in (
                (Comparison.DIFFERENCE, welch.difference),
                (Comparison.RELATIVE_UPLIFT, welch.relative_uplift),
            ):
                row = draft.of_pair(pair.names, pair.n, comparison, compare(pair, options))
                rows.append(row if self.covariate_adjustment is None else welch.with_adjustment(row, pair))
        return tuple(rows)
