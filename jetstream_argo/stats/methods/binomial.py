"""The statistic `binomial`: which share of a branch's units is true."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument
from jetstream_argo.stats.draft import Draft, ordered_pairs, typed
from jetstream_argo.stats.moments import Successes
from jetstream_argo.stats.needs import ProportionNeed
from jetstream_argo.stats.parameters import confidence
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class Binomial:
    """The share of units whose value is true, with a uniform prior."""

    row_name: ClassVar[str] = "binomial"
    confidence_interval: float = argument(confidence, default=0.95)

    def need(self) -> ProportionNeed:
        """Return what the warehouse must deliver."""
        return ProportionNeed()

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return each branch's share, then for every pair the difference and the relative uplift.

        A branch's share has the law Beta(successes + 1, failures + 1), that of a uniform prior; the intervals are its
        central ones and those of the difference and the ratio of two independent shares, and the points expectations.
        A relative uplift has no expectation, and so no point, where no unit of the reference branch is true. The
        p-value is that of the z test of two proportions with a pooled variance, and knows no prior.

        Raises:
            EstimateError: the sample does not hold `Successes`.
        """
        from jetstream_argo.stats.comparisons.shares import BranchShare, compared

        draft = Draft(sample.metric, self.row_name, self.confidence_interval)
        branches = [BranchShare.of(facts.branch, typed(facts, Successes)) for facts in sample.branches]
        rows = [
            draft.of_branch(branch.name, branch.data.n, branch.interval(self.confidence_interval))
            for branch in branches
        ]
        pairs = list(ordered_pairs(branches))
        comparisons = compared(pairs, self.confidence_interval)
        for (reference, branch), (difference, uplift) in zip(pairs, comparisons, strict=True):
            names, n = (reference.name, branch.name), reference.data.n + branch.data.n
            rows.append(draft.of_pair(names, n, Comparison.DIFFERENCE, difference))
            rows.append(draft.of_pair(names, n, Comparison.RELATIVE_UPLIFT, uplift))
        return tuple(rows)
