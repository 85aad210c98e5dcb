"""The statistic `ratio_delta`: the mean of one metric over that of another, by the delta method."""

from dataclasses import dataclass, field
from typing import ClassVar

from jetstream_argo.stats.arguments import argument, name
from jetstream_argo.stats.draft import Draft, ordered_pairs
from jetstream_argo.stats.needs import ClipScope, RatioNeed
from jetstream_argo.stats.parameters import clip_rule, confidence, share_dropped
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class RatioDelta:
    """The mean of one metric over that of another, by the delta method, with p-values."""

    row_name: ClassVar[str] = "ratio_delta"
    numerator: str = field(metadata={"check": name})
    denominator: str = field(metadata={"check": name})
    confidence_interval: float = argument(confidence, default=0.95)
    drop_highest: float = argument(share_dropped, default=0.005)

    def need(self) -> RatioNeed:
        """Return what the warehouse must deliver."""
        return RatioNeed(self.numerator, self.denominator, clip_rule(self.drop_highest, ClipScope.PER_BRANCH))

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's ratio of means, then for every pair the difference and the relative uplift.

        Numerators and denominators are clipped as `population_ratio` clips them. The intervals of ratios and
        differences are by the t law, those of relative uplifts by the normal law. Two units a branch are needed, a
        denominator whose mean is not 0, and for a relative uplift a reference that is clearly not 0.

        Raises:
            EstimateError: the sample does not hold `JointPowerSums`.

        Source:
            Deng, Knoblich, Lu (2018), KDD, arXiv:1803.06336.
        """
        from jetstream_argo.stats.comparisons.delta_ratios import difference, joint_moments, own_ratio, relative_uplift

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        width = self.confidence_interval
        branches = [(facts.branch, joint_moments(facts)) for facts in sample.branches]
        rows = [draft.of_branch(name, moments.n, own_ratio(moments, width)) for name, moments in branches]
        for (reference_name, reference), (branch_name, branch) in ordered_pairs(branches):
            pair, n = (reference_name, branch_name), reference.n + branch.n
            for comparison, compare in (
                (Comparison.DIFFERENCE, difference),
                (Comparison.RELATIVE_UPLIFT, relative_uplift),
            ):
                rows.append(draft.of_pair(pair, n, comparison, compare(reference, branch, width)))
        return tuple(rows)
