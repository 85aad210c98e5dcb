"""The statistic `count`: how many units there are."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.needs import CountNeed
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class Count:
    """How many units there are, those without a value included."""

    row_name: ClassVar[str] = "count"

    def need(self) -> CountNeed:
        """Return what the warehouse must deliver."""
        return CountNeed()

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return one row a branch: its units, those without a value too; 0 for a branch without rows. No interval."""
        return tuple(
            EstimateRow(
                metric=sample.metric,
                statistic=self.row_name,
                branch=facts.branch,
                n_units=facts.n_rows - facts.n_null - facts.n_nonfinite,
                point=float(facts.n_rows),
            )
            for facts in sample.branches
        )
