"""What rows say of units without a covariate, and of the means that an adjusted difference compares."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from tests.stats import reference_data
from tests.stats.samples import estimated, row_of

COUNTS = reference_data.counts()
DIFFERENCE, _ = Comparison
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
ADJUSTED = ("linear_model_mean", "linear_model_mean_no_clip", "per_client_dau_impact", "welch_mean")
NAN = float("nan")


def differences(rows: Sequence[EstimateRow]) -> list[EstimateRow]:
    return [row for row in rows if row.comparison is DIFFERENCE]


@pytest.mark.parametrize("scale", [1.0, 2.0**550])
@pytest.mark.parametrize(
    ("statistic", "arguments"), [(name, {}) for name in ADJUSTED] + [("welch_mean", {"own_slopes": True})]
)
def test_an_adjusted_difference_is_that_of_the_two_adjusted_means_beside_it(
    statistic: str, arguments: dict[str, object], scale: float
) -> None:
    values = [np.asarray(branch, np.float64) * scale for branch in COUNTS.values]

    rows = differences(estimated(statistic, values, COUNTS.covariate, **arguments, **ADJUST))

    assert len(rows) == 6
    for row in rows:
        assert row.adjusted_mean is not None
        assert row.adjusted_reference_mean is not None
        between = row.adjusted_mean - row.adjusted_reference_mean
        assert row.point == pytest.approx(between, rel=1e-9, abs=1e-12 * abs(row.adjusted_mean))


def test_adjusted_means_of_a_regression_are_its_predictions_at_one_value_of_the_covariate() -> None:
    values, covariate = [[1.0, 2.0, 4.0, 5.0], [3.0, 4.0, 6.0, 9.0]], [[0.0, 1.0, 2.0, 3.0], [1.0, 2.0, 3.0, 6.0]]

    rows = estimated("welch_mean", values, covariate, drop_highest=0, **ADJUST)

    row = row_of(rows, "treatment-a", DIFFERENCE, "control")
    # numpy: theta = cov(x, y) / var(x) over both branches; mean(y) - theta * (mean(x) - mean of all x)
    assert row.adjusted_mean == pytest.approx(4.49468085106383)
    assert row.adjusted_reference_mean == pytest.approx(4.00531914893617)


def test_unadjusted_rows_have_no_adjusted_means_and_those_of_one_branch_neither() -> None:
    plain = estimated("linear_model_mean", COUNTS.values)
    adjusted = estimated("linear_model_mean", COUNTS.values, COUNTS.covariate, **ADJUST)

    unadjusted = [*plain, *(row for row in adjusted if row.comparison is not DIFFERENCE)]
    assert {(row.adjusted_mean, row.adjusted_reference_mean) for row in unadjusted} == {(None, None)}
    assert {row.n_without_covariate for row in plain} == {None}


# 100 of 106 units of the control have no covariate, 2 of 103 of the treatment.
GAPS = [[NAN] * 100 + [1.0, 2.0, 4.0, 3.0, 2.0, 5.0], [NAN] * 2 + [float(n % 7) for n in range(101)]]
VALUES = [[float(n % 5) for n in range(106)], [float(n % 6) for n in range(103)]]


@pytest.mark.parametrize(
    ("statistic", "arguments", "own"),
    [
        ("linear_model_mean", {}, [(6, 100), (101, 2)]),
        ("linear_model_mean", {"individual_from_all": True}, [(106, 0), (103, 0)]),
        ("welch_mean", {}, [(106, 0), (103, 0)]),
    ],
)
def test_every_row_counts_the_units_that_it_leaves_out_for_lack_of_a_covariate(
    statistic: str, arguments: dict[str, object], own: list[tuple[int, int]]
) -> None:
    rows = estimated(statistic, VALUES, GAPS, **arguments, **ADJUST)

    assert [(row.n_units, row.n_without_covariate) for row in rows if row.comparison is None] == own
    assert {(row.n_units, row.n_without_covariate) for row in rows if row.comparison} == {(107, 102)}


def test_units_that_a_pretreatment_or_a_missing_value_leaves_out_are_not_counted_as_without_covariate() -> None:
    values = [[NAN, 1.0, 2.0, 3.0], [1.0, 2.0, 5.0, 4.0]]
    covariate = [[NAN, NAN, 2.0, 3.0], [1.0, 2.0, 3.0, 2.0]]

    rows = estimated("linear_model_mean", values, covariate, **ADJUST)

    assert [(row.n_units, row.n_without_covariate) for row in rows if row.comparison is None] == [(2, 1), (4, 0)]


@pytest.mark.parametrize("statistic", ["linear_model_mean", "welch_mean", "minimum_detectable_effect"])
def test_a_branch_none_of_whose_units_has_the_covariate_is_not_said_to_have_no_units(statistic: str) -> None:
    covariate = [[NAN] * 106, *GAPS[1:]]

    rows = estimated(statistic, VALUES, covariate, **ADJUST)

    compared = [row for row in rows if row.comparison is not None]
    assert {row.reason for row in compared} == {Reason.NO_COVARIATE}


def test_a_pair_with_too_few_covariates_is_compared_unadjusted_and_the_others_are_adjusted() -> None:
    values, covariate = [*VALUES, VALUES[1]], [GAPS[0], GAPS[1], [NAN] * 102 + [1.0]]
    plain = estimated("welch_mean", values)

    rows = estimated("welch_mean", values, covariate, **ADJUST)

    unadjusted = row_of(rows, "treatment-b", DIFFERENCE, "control")
    assert (unadjusted.adjusted, unadjusted.reason, unadjusted.n_units) == (False, Reason.NO_COVARIATE, 209)
    assert unadjusted.lower == pytest.approx(row_of(plain, "treatment-b", DIFFERENCE, "control").lower)
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").adjusted


def test_a_covariate_that_differs_between_branches_alone_does_not_take_the_difference_for_its_own() -> None:
    covariate = [[float(branch)] * len(values) for branch, values in enumerate(VALUES)]
    plain = estimated("welch_mean", VALUES)

    rows = estimated("welch_mean", VALUES, covariate, **ADJUST)

    assert [row.point for row in rows] == pytest.approx([row.point for row in plain])
    assert {row.adjusted for row in rows if row.comparison} == {False}


def test_more_units_without_the_covariate_never_change_the_sum_of_those_with_and_without() -> None:
    counted = []
    for gaps in range(0, 100, 20):
        covariate = [[NAN] * gaps + [float(n % 3) for n in range(106 - gaps)], GAPS[1]]
        rows = estimated("linear_model_mean", VALUES, covariate, **ADJUST)
        counted.append([row.n_units + (row.n_without_covariate or 0) for row in rows])

    assert all(earlier == other for earlier, other in pairwise(counted))
