"""Tests whether the units of a window are split between the branches as the experiment was designed."""

from collections.abc import Iterator, Sequence

from jetstream_argo.config.model import Basis
from jetstream_argo.estimating.model import Placed
from jetstream_argo.estimating.queries.leaf import ALL_UNITS
from jetstream_argo.plan.model import Experiment
from jetstream_argo.stats.checks import FEWEST_EXPECTED, split_test
from jetstream_argo.stats.rows import EstimateRow, Reason
from jetstream_argo.store.estimates_table import SAMPLE_RATIO, SRM


def split_check(experiment: Experiment, units: Sequence[int]) -> Iterator[EstimateRow]:
    """Yield the row of the check, if there is anything to check: its point is the p-value.

    It is about all branches, and stands in the reference branch's place. Of few units its reason says that the check
    is exact, or that there is none.
    """
    shares = experiment.branch_shares
    if not experiment.sample_ratio_alarm or len(shares) != len(units) or len(units) < 2:  # noqa: PLR2004  # a split
        return
    total = sum(units)
    branch = experiment.reference_branch or experiment.branches[0]
    if not total:
        yield EstimateRow(metric=SAMPLE_RATIO, statistic=SRM, branch=branch, n_units=0, reason=Reason.NO_UNITS)
        return
    test = split_test(units, shares)
    reason = Reason.EXACT_TEST if test.exact else None
    if test.p_value is None:
        reason = Reason.FEW_EXPECTED
    elif test.is_alarm(experiment.sample_ratio_alarm, experiment.sample_ratio_deviation):
        reason = Reason.SAMPLE_RATIO_MISMATCH
    elif test.is_improbable(experiment.sample_ratio_alarm):
        reason = Reason.SMALL_DEVIATION
    yield EstimateRow(
        metric=SAMPLE_RATIO,
        statistic=SRM,
        branch=branch,
        n_units=total,
        point=test.p_value,
        p_value=test.p_value,
        reason=reason,
    )


def split_notes(rows: Sequence[Placed]) -> Iterator[str]:
    """Yield for each basis in which windows all units are not split as designed, and in which that was not checked."""
    for basis in Basis:
        checks = [
            placed
            for placed in rows
            if placed.basis is basis and placed.segment == ALL_UNITS and placed.row.metric == SAMPLE_RATIO
        ]
        broken = [placed for placed in checks if placed.row.reason is Reason.SAMPLE_RATIO_MISMATCH]
        if broken:
            least = min(placed.row.p_value or 0.0 for placed in broken)
            where = f"{_windows(broken)} (p = {least:.1g})"
            yield f"{basis.value} are not split as designed in {where}: doubt all estimates"
        unchecked = [placed for placed in checks if placed.row.reason is Reason.FEW_EXPECTED]
        if unchecked:
            what = f"fewer than {FEWEST_EXPECTED} units are expected in some branch"
            yield f"whether {basis.value} are split as designed is not checked in {_windows(unchecked)}: {what}"


def _windows(placed: Sequence[Placed]) -> str:
    return "windows " + ", ".join(str(row.window_index) for row in placed)
