"""The statistics `linear_model_mean` and `linear_model_mean_no_clip`: means, compared by least squares."""

from dataclasses import dataclass, replace
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, flag
from jetstream_argo.stats.draft import Draft, ordered_pairs
from jetstream_argo.stats.needs import Adjustment, JointMomentsNeed, MomentsNeed
from jetstream_argo.stats.parameters import confidence, covariate, moments_of_means, share_dropped
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class LinearModelMean:
    """Means, compared by least squares on the branch and, if asked for, one covariate.

    Then each branch's own mean is that of the units with a covariate, as existing results have it, or with
    `individual_from_all` of all units.
    """

    row_name: ClassVar[str] = "mean_lm"
    drop_highest: float = argument(share_dropped, default=0.005)
    covariate_adjustment: Adjustment | None = argument(covariate, default=None)
    confidence_interval: float = argument(confidence, default=0.95)
    individual_from_all: bool = argument(flag, default=False)

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return moments_of_means(self.drop_highest, self.covariate_adjustment)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's mean with its own t interval, then for every pair the difference and relative uplift.

        The individual means are never adjusted, but are those of the units that have the covariate too, unless
        `individual_from_all` asks for those of all units; the means that an adjusted difference compares stand beside
        it. A difference has a t interval with the regression's degrees of freedom, and a two-sided p-value. A relative
        uplift is the ratio of the fitted means at the covariate's `qbar`, with a normal interval for its logarithm
        (delta method).

        Without variation there are points only. A relative uplift has no point where the reference is 0 or the signs
        differ, and no bounds where the reference's own normal interval holds 0. Where no unit has the covariate, or it
        does not vary, the comparison is unadjusted and its rows say so.

        Raises:
            EstimateError: the sample holds neither `Moments` nor `Covaried`, or a covariate without `qbar`.
        """
        from jetstream_argo.stats.comparisons.least_squares import difference, fit_sample, relative_uplift
        from jetstream_argo.stats.comparisons.means import mean_interval, units_of

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        fit = fit_sample(sample, adjusted=self.covariate_adjustment is not None)
        units = [units_of(facts) for facts in sample.branches]
        own = units if self.individual_from_all else [branch.y for branch in fit.branches]
        rows = []
        for facts, moments, available in zip(sample.branches, own, units, strict=True):
            row = draft.of_branch(facts.branch, moments.n, mean_interval(moments, self.confidence_interval))
            rows.append(self._with_gaps(row, without=available.n - moments.n))
        branches = [
            (facts.branch, moments, available.n)
            for facts, moments, available in zip(sample.branches, fit.branches, units, strict=True)
        ]
        for (reference_name, reference, n_r), (name, branch, n_b) in ordered_pairs(branches):
            pair, n = (reference_name, name), reference.n + branch.n
            for comparison, compare in (
                (Comparison.DIFFERENCE, difference),
                (Comparison.RELATIVE_UPLIFT, relative_uplift),
            ):
                interval = compare(fit, reference, branch, self.confidence_interval)
                row = draft.of_pair(pair, n, comparison, interval)
                rows.append(self._with_gaps(row, without=n_r + n_b - n, adjusted=fit.slope is not None))
        return tuple(rows)

    def _with_gaps(self, row: EstimateRow, *, without: int, adjusted: bool | None = None) -> EstimateRow:
        """Return the row, which says how many units it leaves out, and that nothing is left where these are all.

        Of a comparison it says, too, whether the adjustment that was asked for was made.
        """
        if self.covariate_adjustment is None:
            return row
        reason = row.reason or (Reason.NO_COVARIATE if adjusted is False else None)
        if reason is Reason.NO_UNITS and without:
            reason = Reason.NO_COVARIATE
        return replace(row, n_without_covariate=without, adjusted=adjusted, reason=reason)


@dataclass(frozen=True, slots=True)
class LinearModelMeanNoClip(LinearModelMean):
    """The same without clipping."""

    row_name: ClassVar[str] = "mean_lm_noclip"
    drop_highest: float = argument(share_dropped, default=0.0)
