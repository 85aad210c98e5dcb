"""The statistic `sum`: what the values of a branch add up to."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.draft import Draft, Interval, typed
from jetstream_argo.stats.moments import Total
from jetstream_argo.stats.needs import SumNeed
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of the values."""

    row_name: ClassVar[str] = "sum"

    def need(self) -> SumNeed:
        """Return what the warehouse must deliver."""
        return SumNeed()

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return one row a branch: the sum of its values; 0 with a reason where no unit has a value. No interval."""
        draft = Draft(sample.metric, self.row_name, None)
        rows = []
        for facts in sample.branches:
            data = typed(facts, Total) or Total(0, 0.0)
            interval = Interval(data.total, reason=None if data.n else Reason.NO_UNITS)
            rows.append(draft.of_branch(facts.branch, data.n, interval))
        return tuple(rows)
