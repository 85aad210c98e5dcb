"""What rounding must not be taken for: variation, a covariate, an answer; and very small values, as good as any."""

from math import erfc, sqrt

import numpy as np
import pytest

from jetstream_argo.stats.checks import sample_ratio_p_value
from jetstream_argo.stats.comparisons.contrasts import Contrast, welch
from jetstream_argo.stats.moments import Moments
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.registry import parse_method
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.scale import restored, scale_for
from tests.reference.samples import Columns, sample_from_columns
from tests.stats.samples import estimated, row_of

DIFFERENCE, UPLIFT = Comparison.DIFFERENCE, Comparison.RELATIVE_UPLIFT
SKEW = np.exp(np.random.RandomState(3).normal(0, 1, size=(2, 300)))
OTHER = SKEW * np.random.RandomState(4).uniform(0.5, 1.5, size=SKEW.shape)
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
PARTS = {"numerator": "m", "denominator": "d", "drop_highest": 0}
RATIOS = ("population_ratio", "ratio_delta")
# 301 of these do not add up to 301 times one: their mean is off in the last place.
TENTHS, SEVENTHS = np.full((2, 301), 0.1), np.full((2, 301), 0.7)


def numbers(row: EstimateRow) -> tuple[float | None, float | None, float | None]:
    return row.point, row.lower, row.upper


@pytest.mark.parametrize("statistic", ["linear_model_mean", "welch_mean", "bootstrap_mean"])
def test_equal_values_that_round_do_not_vary(statistic: str) -> None:
    rows = estimated(statistic, TENTHS)

    assert {row.reason for row in rows} == {Reason.NO_VARIATION}
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").point == 0
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").p_value is None


def test_no_effect_is_detectable_where_values_only_round() -> None:
    assert {row.reason for row in estimated("minimum_detectable_effect", TENTHS)} == {Reason.NO_VARIATION}


@pytest.mark.parametrize("statistic", RATIOS)
@pytest.mark.parametrize(("numerator", "denominator"), [(TENTHS, SEVENTHS), (SKEW * 0.3, SKEW), (SKEW * 0, SKEW)])
def test_ratios_that_are_the_same_for_all_units_do_not_vary(
    statistic: str, numerator: np.ndarray, denominator: np.ndarray
) -> None:
    rows = estimated(statistic, numerator, denominator, **PARTS)

    quotient = float(numerator[0, 0] / denominator[0, 0])
    assert {row.reason for row in rows} <= {Reason.NO_VARIATION, Reason.ZERO_REFERENCE}
    assert row_of(rows, "control").point == pytest.approx(quotient, rel=1e-12)
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").point == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("arguments", [{}, {"own_slopes": True}])
def test_a_covariate_that_only_rounds_adjusts_nothing(arguments: dict[str, object]) -> None:
    plain = estimated("welch_mean", SKEW)

    rows = estimated("welch_mean", SKEW, np.full_like(SKEW, 0.1), **ADJUST, **arguments)

    for row, other in zip(rows, plain, strict=True):
        assert numbers(row) == pytest.approx(numbers(other), rel=1e-12)
    compared = [row for row in rows if row.comparison is not None]
    assert {(row.adjusted, row.reason, row.variance_reduction) for row in compared} == {
        (False, Reason.NO_COVARIATE, None)
    }


@pytest.mark.parametrize(
    ("statistic", "arguments"),
    [
        ("bootstrap_mean", {}),
        ("linear_model_mean", {}),
        ("linear_model_mean", ADJUST),
        ("welch_mean", {}),
        ("welch_mean", ADJUST),
    ],
)
def test_values_whose_squares_are_no_floats_have_the_same_estimates_in_their_size(
    statistic: str, arguments: dict[str, object]
) -> None:
    plain = estimated(statistic, SKEW, OTHER, **arguments)

    rows = estimated(statistic, SKEW * 2.0**-560, OTHER * 2.0**-540, **arguments)

    for row, other in zip(rows, plain, strict=True):
        size = 1.0 if row.comparison is UPLIFT else 2.0**-560
        assert [value / size for value in numbers(row)] == pytest.approx(numbers(other), rel=1e-9)
        assert row.reason == other.reason
        if other.p_value is not None:
            assert row.p_value == pytest.approx(other.p_value, rel=1e-9)


@pytest.mark.parametrize("statistic", RATIOS)
def test_ratios_of_very_small_values_are_the_same(statistic: str) -> None:
    plain = estimated(statistic, SKEW, OTHER, **PARTS)

    rows = estimated(statistic, SKEW * 2.0**-560, OTHER * 2.0**-560, **PARTS)

    for row, other in zip(rows, plain, strict=True):
        assert numbers(row) == pytest.approx(numbers(other), rel=1e-9)
        assert row.reason == other.reason


def test_what_fits_no_float_in_its_own_unit_is_told() -> None:
    row = EstimateRow(metric="m", statistic="mean", branch="a", n_units=3, point=3.0, lower=0.5, upper=4.0)

    (found,) = restored([row], 2.0**1023)

    assert (found.point, found.lower, found.upper, found.reason) == (None, 2.0**1022, None, Reason.OVERFLOW)
    assert (scale_for(0.0), scale_for(1e-9)) == (1.0, 1.0)


def test_degrees_of_freedom_do_not_depend_on_the_unit() -> None:
    found, tiny = (welch(Moments(10, 0.0, size), Moments(30, 1.0, 3 * size)) for size in (1.0, 1e-300))

    assert tiny.dof == pytest.approx(found.dof, rel=1e-12)


def test_the_loss_of_what_surely_wins_is_nothing_and_never_less() -> None:
    assert all(Contrast(point, 1.0).expected_loss >= 0 for point in np.linspace(30, 40, 101))


def test_p_values_are_right_far_out_and_then_nothing() -> None:
    # The C library's erfc(37 / sqrt(2))
    assert Contrast(37.0, 1.0).p_value == pytest.approx(erfc(37 / sqrt(2)), rel=1e-9)
    assert Contrast(45.0, 1.0).p_value == 0


def test_the_split_of_many_branches_is_checked_too() -> None:
    units = [1000 + 30 * (index % 7) for index in range(100)]

    # scipy 1.17: chisquare(units).pvalue, and of the first 99
    assert sample_ratio_p_value(units, [1] * 100) == pytest.approx(2.4125160751620257e-27, rel=1e-9)
    assert sample_ratio_p_value(units[:99], [1] * 99) == pytest.approx(4.297284414319515e-27, rel=1e-9)
    assert sample_ratio_p_value([10**12] * 99 + [2 * 10**12], [1] * 100) == 0


def test_whole_numbers_that_no_float_holds_are_counted_in_their_own_branch() -> None:
    first = 2**53 + 3  # the nearest float is larger
    columns = Columns("m", ("a", "b"), np.repeat([0, 1], 4).astype(np.int8), np.arange(first, first + 8))

    sample = sample_from_columns(parse_method("deciles", {}), columns)

    assert [facts.data.n for facts in sample.branches] == [4, 4]
