"""The statistic `per_client_dau_impact`: what a difference of means amounts to over the whole experiment."""

from dataclasses import dataclass
from typing import ClassVar

from jetstream_argo.stats.arguments import argument
from jetstream_argo.stats.methods.linear_model_mean import LinearModelMean
from jetstream_argo.stats.parameters import share_dropped
from jetstream_argo.stats.rows import Comparison, EstimateRow
from jetstream_argo.stats.sufficient import Sample


@dataclass(frozen=True, slots=True)
class PerClientDauImpact(LinearModelMean):
    """What the difference of means would amount to if all units of the experiment were in the branch."""

    row_name: ClassVar[str] = "per_client_dau_impact"
    drop_highest: float = argument(share_dropped, default=0.0)

    def rows(self, sample: Sample) -> tuple[EstimateRow, ...]:
        """Return the comparisons of `linear_model_mean`, each difference times the units of all branches.

        The units without a value count too, so that the product is about the experiment as it was enrolled.
        """
        return tuple(
            row.rescaled(lambda value: value * sample.n_rows) if row.comparison is Comparison.DIFFERENCE else row
            for row in LinearModelMean.rows(self, sample)
            if row.comparison is not None
        )
