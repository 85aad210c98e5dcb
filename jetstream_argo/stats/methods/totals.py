"""How many units there are and what their values add up to."""

from jetstream_argo.stats.draft import Draft, Interval, typed
from jetstream_argo.stats.moments import Total
from jetstream_argo.stats.params import Count, Sum
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.stats.sufficient import Sample


def count(params: Count, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return one row a branch: its units, those without a value too; 0 for a branch without rows. No interval."""
    return tuple(
        EstimateRow(
            sample.metric,
            params.row_name,
            facts.branch,
            n_units=facts.n_rows - facts.n_null - facts.n_nonfinite,
            point=float(facts.n_rows),
        )
        for facts in sample.branches
    )


def total(params: Sum, sample: Sample) -> tuple[EstimateRow, ...]:
    """Return one row a branch: the sum of its values; 0 with a reason where no unit has a value. No interval."""
    draft = Draft(sample.metric, params.row_name, None)
    rows = []
    for facts in sample.branches:
        data = typed(facts, Total) or Total(0, 0.0)
        interval = Interval(data.total, reason=None if data.n else Reason.NO_UNITS)
        rows.append(draft.of_branch(facts.branch, data.n, interval))
    return tuple(rows)
