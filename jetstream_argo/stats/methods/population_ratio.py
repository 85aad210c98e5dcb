"""The statistic `population_ratio`: the mean of one metric over that of another, by the bootstrap."""

from dataclasses import dataclass, field
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, name
from jetstream_argo.stats.draft import Draft
from jetstream_argo.stats.needs import ClipScope, RatioNeed
from jetstream_argo.stats.parameters import clip_rule, confidence, samples, share_dropped
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class PopulationRatio:
    """The mean of one metric over that of another, by the bootstrap. `num_samples` has no effect: the law is exact."""

    row_name: ClassVar[str] = "population_ratio"
    numerator: str = field(metadata={"check": name})
    denominator: str = field(metadata={"check": name})
    confidence_interval: float = argument(confidence, default=0.95)
    drop_highest: float = argument(share_dropped, default=0.005)
    num_samples: int = argument(samples, default=10_000)

    def need(self) -> RatioNeed:
        """Return what the warehouse must deliver."""
        return RatioNeed(self.numerator, self.denominator, clip_rule(self.drop_highest, ClipScope.PER_BRANCH))

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's ratio of means, then for every pair the difference and the relative uplift.

        The law is that of the ratio in a resample of the units, to which the percentile bootstrap converges. Points are
        expectations, bounds the law's central quantiles.

        All is missing where the denominator's mean is 0 or, by its spread, may be 0 in a resample, and where there are
        too few units for the weight of their tails; a relative uplift also where the reference's ratio may be 0. With
        one unit there are points only.

        Raises:
            EstimateError: the sample does not hold `JointPowerSums`.
        """
        from jetstream_argo.stats.comparisons.bootstrapped_ratios import branch_ratios, compared

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        branches = branch_ratios(sample, self.confidence_interval)
        rows = [
            draft.of_branch(branch.name, branch.n, branch.interval(self.confidence_interval)) for branch in branches
        ]
        for reference, branch, comparison, interval in compared(branches, self.confidence_interval):
            pair, n = (reference.name, branch.name), reference.n + branch.n
            rows.append(draft.of_pair(pair, n, comparison, interval))
        return tuple(rows)
