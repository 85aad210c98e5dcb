"""The rows of any statistic for a sample, in the metric's own scale, with what they leave out."""

from dataclasses import replace

from jetstream_argo.stats.method import Method
from jetstream_argo.stats.methods.count import Count
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.scale import restored
from jetstream_argo.stats.sufficient import Sample


def estimate(method: Method, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return the rows of the statistic: branches in the sample's order, then every ordered pair of a reference branch
    and another.

    A number that cannot be had is None and its row has a reason; no row is left out for that.

    Raises:
        EstimateError: the sample does not hold what `method.need()` asks for.
    """
    left_out = {facts.branch for facts in sample.branches if facts.n_nonfinite}
    rows = method.rows(sample)
    if sample.scale != 1:
        rows = restored(rows, sample.scale)
    if not left_out or isinstance(method, Count):
        return rows
    return tuple(
        replace(row, reason=Reason.NONFINITE_EXCLUDED)
        if row.reason is None and not left_out.isdisjoint((row.branch, row.comparison_to_branch))
        else row
        for row in rows
    )
