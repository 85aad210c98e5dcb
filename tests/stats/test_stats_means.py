"""Welch's comparison as a statistic of its own."""

import numpy as np
import pytest

from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.rows import Comparison, Reason
from tests.stats import reference_data as data
from tests.stats.samples import estimated, row_of

COUNTS = data.counts()
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
DIFFERENCE, UPLIFT = Comparison.DIFFERENCE, Comparison.RELATIVE_UPLIFT


def test_rows_hold_the_difference_of_welch_and_its_p_value() -> None:
    row = row_of(estimated("welch_mean", COUNTS.values[:2], drop_highest=0), "treatment-a", DIFFERENCE, "control")

    # scipy 1.15: ttest_ind(y1, y0, equal_var=False).confidence_interval(0.95) and .pvalue
    assert (row.point, row.lower, row.upper) == pytest.approx(
        (0.153, -0.7735964704652388, 1.0795964704652397), rel=1e-9
    )
    assert row.p_value == pytest.approx(0.7460071557637997, rel=1e-9)
    assert (row.statistic, row.adjusted, row.n_units) == ("mean_welch", None, 1100)


def test_rows_with_a_covariate_hold_cuped() -> None:
    rows = estimated("welch_mean", COUNTS.values[:2], COUNTS.covariate[:2], drop_highest=0, **ADJUST)
    row = row_of(rows, "treatment-a", DIFFERENCE, "control")

    # tea-tasting 1.14.0: Mean("y", covariate="x", use_t=True, equal_var=False)
    assert row.point == pytest.approx(0.40353902944200915, rel=1e-9)
    assert (row.lower, row.upper) == pytest.approx((-0.05479995145030797, 0.8618780103343262), rel=1e-9)
    assert row.adjusted is True
    assert row_of(rows, "control").point == COUNTS.values[0].mean()


def test_always_valid_rows_are_wider() -> None:
    row = row_of(
        estimated("welch_mean", COUNTS.values[:2], drop_highest=0, always_valid=True),
        "treatment-a",
        DIFFERENCE,
        "control",
    )

    # gbstats 0.8.0: SequentialTwoSidedTTest(..., SequentialConfig(sequential_tuning_parameter=5000))
    assert (row.lower, row.upper) == pytest.approx((-1.4140650879181216, 1.7200650879181225), rel=1e-9)
    assert row.p_value == 1


def test_what_cannot_be_compared_has_a_reason() -> None:
    rows = estimated("welch_mean", [[0.0, 0.0, 0.0], [1.0, 2.0, 4.0], [7.0], []])

    assert row_of(rows, "treatment-a", UPLIFT, "control").reason is Reason.ZERO_REFERENCE
    assert row_of(rows, "control", UPLIFT, "treatment-a").point == -1
    assert row_of(rows, "treatment-b", DIFFERENCE, "control").reason is Reason.TOO_FEW_UNITS
    assert row_of(rows, "treatment-c", DIFFERENCE, "control").reason is Reason.NO_UNITS
    assert row_of(rows, "control", UPLIFT, "treatment-c").reason is Reason.NO_UNITS


def test_a_covariate_that_does_not_vary_leaves_the_comparison_unadjusted() -> None:
    plain = estimated("welch_mean", COUNTS.values[:2])
    rows = estimated("welch_mean", COUNTS.values[:2], [np.ones_like(value) for value in COUNTS.values[:2]], **ADJUST)

    assert [row.lower for row in rows] == pytest.approx([row.lower for row in plain], rel=1e-9)
    assert {row.reason for row in rows if row.comparison} == {Reason.NO_COVARIATE}
