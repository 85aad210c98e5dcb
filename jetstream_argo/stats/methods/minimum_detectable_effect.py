"""The statistic `minimum_detectable_effect`: which differences of means an experiment could have found."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, number
from jetstream_argo.stats.draft import Draft, Interval
from jetstream_argo.stats.needs import Adjustment, JointMomentsNeed, MomentsNeed
from jetstream_argo.stats.parameters import confidence, covariate, moments_of_means, share_dropped
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class MinimumDetectableEffect:
    """The smallest difference of means that the units at hand find with the probability `power`."""

    row_name: ClassVar[str] = "minimum_detectable_effect"
    power: float = argument(number(0.5, 1, inclusive=False), default=0.8)
    drop_highest: float = argument(share_dropped, default=0.005)
    covariate_adjustment: Adjustment | None = argument(covariate, default=None)
    confidence_interval: float = argument(confidence, default=0.95)

    def need(self) -> MomentsNeed | JointMomentsNeed:
        """Return what the warehouse must deliver."""
        return moments_of_means(self.drop_highest, self.covariate_adjustment)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return for every pair the smallest difference found with the probability `power`, and its share of the mean.

        It follows from the units and variances that there are, whatever difference was found; a covariate makes it
        smaller. `ci_width` is the confidence at which a difference counts as found. No intervals.

        Raises:
            EstimateError: the sample holds neither `Moments` nor `Covaried`.
        """
        from jetstream_argo.stats.comparisons.welch import detectable_effect, pairs, with_adjustment

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        rows = []
        for pair in pairs(sample):
            effect = detectable_effect(pair, confidence=self.confidence_interval, power=self.power)
            for comparison, interval in (
                (Comparison.DIFFERENCE, effect),
                (Comparison.RELATIVE_UPLIFT, _share(effect, pair.reference.mean)),
            ):
                row = draft.of_pair(pair.names, pair.n, comparison, interval)
                rows.append(row if self.covariate_adjustment is None else with_adjustment(row, pair))
        return tuple(rows)


def _share(effect: Interval, mean: float) -> Interval:
    """Return the effect as a share of the reference's mean."""
    if effect.point is None:
        return effect
    return Interval(effect.point / abs(mean)) if mean else Interval(reason=Reason.ZERO_REFERENCE)
