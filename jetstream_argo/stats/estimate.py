"""What the numbers of a sample say: the rows of any statistic.

The statistics load here, when called, each only what it computes with.
"""

from typing import assert_never

from jetstream_argo.stats import params as p
from jetstream_argo.stats.rows import EstimateRow
from jetstream_argo.stats.sufficient import Sample


def estimate(params: p.Params, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return the rows of the statistic that `params` belongs to: branches in the sample's order, then every ordered
    pair of a reference branch and another.

    A number that cannot be had is None in its row and the row has a reason; no row is left out for that.

    Raises:
        EstimateError: the sample does not hold what `params.need()` asks for.
    """
    match params:
        case _:
            raise NotImplementedError(assert_never, EstimateRow, Sample, p)
