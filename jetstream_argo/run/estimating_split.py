"""Whether the units of a window are split between the branches as the experiment was designed."""

from collections.abc import Iterator, Sequence

from jetstream_argo.config.model import Basis
from jetstream_argo.plan.model import Experiment
from jetstream_argo.report.estimates import SAMPLE_RATIO, SRM
from jetstream_argo.run.estimating_model import Placed
from jetstream_argo.sql.observations import ALL_UNITS
from jetstream_argo.stats.checks import sample_ratio_p_value
from jetstream_argo.stats.rows import EstimateRow, Reason


def split_check(experiment: Experiment, units: Sequence[int]) -> Iterator[EstimateRow]:
    """Yield the row of the check, if there is anything to check: its point is the p-value.

    It is about all branches, and stands in the reference branch's place.
    """
    shares = experiment.branch_shares
    if not experiment.sample_ratio_alarm or len(shares) != len(units) or len(units) < 2:  # noqa: PLR2004  # a split
        return
    total = sum(units)
    branch = experiment.reference_branch or experiment.branches[0]
    if not total:
        yield EstimateRow(SAMPLE_RATIO, SRM, branch, n_units=0, reason=Reason.NO_UNITS)
        return
    p_value = sample_ratio_p_value(units, shares)
    broken = p_value < experiment.sample_ratio_alarm
    reason = Reason.SAMPLE_RATIO_MISMATCH if broken else None
    yield EstimateRow(SAMPLE_RATIO, SRM, branch, n_units=total, point=p_value, p_value=p_value, reason=reason)


def split_notes(rows: Sequence[Placed]) -> Iterator[str]:
    """Yield for each basis in which windows all units are not split as designed."""
    for basis in Basis:
        broken = [
            placed
            for placed in rows
            if placed.basis is basis
            and placed.segment == ALL_UNITS
            and placed.row.reason is Reason.SAMPLE_RATIO_MISMATCH
        ]
        if broken:
            windows = ", ".join(str(placed.window_index) for placed in broken)
            least = min(placed.row.p_value or 0.0 for placed in broken)
            yield f"{basis.value} are not split as designed in windows {windows} (p = {least:.1g}): doubt all estimates"
