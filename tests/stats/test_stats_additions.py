"""What rows say beyond points and intervals: p-values, standard errors, chances to win, losses, detectable effects."""

import numpy as np
import pytest
from scipy.special import ndtr

from jetstream_argo.stats.comparisons.contrasts import Contrast
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.rows import Comparison, Reason
from tests.stats import reference_data as data
from tests.stats.samples import estimated, row_of

COUNTS, RATIO, BOOLEANS, CONTINUOUS = data.counts(), data.ratio(), data.booleans(), data.continuous()
ADJUST = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}
PARTS = {"numerator": "y", "denominator": "x", "drop_highest": 0}
DIFFERENCE, UPLIFT = Comparison.DIFFERENCE, Comparison.RELATIVE_UPLIFT


def test_a_share_has_the_p_value_of_two_proportions_and_the_chance_of_two_beta_laws() -> None:
    rows = estimated("binomial", [value.astype(int) for value in BOOLEANS.values])
    row = row_of(rows, "treatment-a", DIFFERENCE, "control")

    # scipy 1.17: stats.chi2_contingency([[64, 436], [91, 509]], correction=False).pvalue
    assert row.p_value == pytest.approx(0.2612919279504461, rel=1e-9)
    # scipy 1.17: quad(lambda x: beta.pdf(x, 92, 510) * beta.cdf(x, 65, 437), 0, 1, points=[.12, .15])
    assert row.chance_to_win == pytest.approx(0.8675864877326892, rel=1e-8)
    # scipy 1.17: quad(lambda x: beta.cdf(x, 92, 510) * beta.sf(x, 65, 437), 0, 1, points=[.12, .15])
    assert row.expected_loss == pytest.approx(0.0014129851399592344, rel=1e-8)


def test_a_share_of_few_units_has_the_same_numbers_without_cumulants() -> None:
    rows = estimated("binomial", [[0, 0, 0, 1], [1, 1, 0, 1, 1]])
    row = row_of(rows, "treatment-a", DIFFERENCE, "control")

    # scipy 1.17: quad(lambda x: beta.pdf(x, 5, 2) * beta.cdf(x, 2, 4), 0, 1); beta.cdf(x, 5, 2) * beta.sf(x, 2, 4)
    assert row.chance_to_win == pytest.approx(0.9329004329004327, rel=1e-8)
    assert row.expected_loss == pytest.approx(0.007936507936507936, rel=1e-8)


def test_a_resampled_mean_has_the_chance_of_its_law() -> None:
    rows = estimated("bootstrap_mean", CONTINUOUS.values, drop_highest=0)
    row = row_of(rows, "treatment-a", DIFFERENCE, "control")

    rng = np.random.RandomState(5)
    weights = [rng.standard_exponential((20_000, len(value))) for value in CONTINUOUS.values[:2]]
    means = [
        (w @ branch_values) / w.sum(axis=1) for w, branch_values in zip(weights, CONTINUOUS.values[:2], strict=True)
    ]
    draws = means[1] - means[0]
    assert row.chance_to_win == pytest.approx((draws > 0).mean(), abs=0.01)
    assert row.expected_loss == pytest.approx(np.maximum(-draws, 0).mean(), rel=0.05)
    assert row.std_error == pytest.approx(draws.std(), rel=0.02)
    assert row.chance_to_win is not None
    assert row.p_value == pytest.approx(2 * min(row.chance_to_win, 1 - row.chance_to_win))


@pytest.mark.parametrize("statistic", ["bootstrap_mean", "binomial", "linear_model_mean", "welch_mean"])
def test_what_one_branch_wins_the_other_loses(statistic: str) -> None:
    values = BOOLEANS.values if statistic == "binomial" else CONTINUOUS.values
    rows = estimated(statistic, values)
    there, back = row_of(rows, "treatment-a", DIFFERENCE, "control"), row_of(rows, "control", DIFFERENCE, "treatment-a")

    assert there.chance_to_win + back.chance_to_win == pytest.approx(1, abs=1e-9)
    assert back.expected_loss - there.expected_loss == pytest.approx(there.point, abs=1e-8)
    assert there.p_value == pytest.approx(back.p_value, abs=1e-9)


@pytest.mark.parametrize("statistic", ["bootstrap_mean", "linear_model_mean", "welch_mean", "ratio_delta"])
def test_an_interval_whose_confidence_is_one_less_the_p_value_reaches_zero(statistic: str) -> None:
    arguments = PARTS if statistic == "ratio_delta" else {}
    columns = RATIO if statistic == "ratio_delta" else COUNTS
    first = row_of(
        estimated(statistic, columns.values, columns.covariate, **arguments), "treatment-a", DIFFERENCE, "control"
    )
    again = estimated(statistic, columns.values, columns.covariate, confidence_interval=1 - first.p_value, **arguments)
    row = row_of(again, "treatment-a", DIFFERENCE, "control")

    assert min(abs(row.lower), abs(row.upper)) == pytest.approx(0, abs=1e-7 * row.std_error)


@pytest.mark.parametrize("statistic", ["linear_model_mean", "welch_mean"])
def test_the_variance_that_a_covariate_takes_away_is_said(statistic: str) -> None:
    plain = row_of(estimated(statistic, CONTINUOUS.values), "treatment-a", DIFFERENCE, "control")
    adjusted = row_of(
        estimated(statistic, CONTINUOUS.values, CONTINUOUS.covariate, **ADJUST), "treatment-a", DIFFERENCE, "control"
    )

    assert plain.variance_reduction is None
    assert adjusted.variance_reduction == pytest.approx(1 - (adjusted.std_error / plain.std_error) ** 2)
    assert 0.2 < adjusted.variance_reduction < 0.8


def test_own_slopes_are_those_of_a_regression_of_each_branch() -> None:
    rows = estimated("welch_mean", COUNTS.values[:2], COUNTS.covariate[:2], drop_highest=0, own_slopes=True, **ADJUST)
    row = row_of(rows, "treatment-a", DIFFERENCE, "control")

    # statsmodels 0.14: OLS(y, add_constant(x - mean of both)).fit() of each branch: the difference of params[0], and
    # the hypotenuse of bse[0]
    assert (row.point, row.std_error) == pytest.approx((0.4005709944087803, 0.23176296291600543), rel=1e-9)


def test_ratios_by_the_delta_method_are_those_of_gbstats_and_tea_tasting() -> None:
    rows = estimated("ratio_delta", RATIO.values, RATIO.covariate, **PARTS)
    row, uplift = (row_of(rows, "treatment-a", comparison, "control") for comparison in (DIFFERENCE, UPLIFT))

    # gbstats 0.8.0: TwoSidedTTest of RatioStatistic; tea-tasting 1.14.0: RatioOfMeans("y", "x")
    assert (row.point, row.std_error) == pytest.approx((0.021590491923641708, 0.00828034793228075), rel=1e-9)
    assert row.p_value == pytest.approx(0.009250256348636299, rel=1e-9)
    assert (row.lower, row.upper) == pytest.approx((0.005342780591486313, 0.037838203255797107), rel=1e-9)
    # gbstats 0.8.0: the same with difference_type="relative": expected, uplift.stddev
    half = 1.959963984540054 * 0.04200411188059702
    assert uplift.point == pytest.approx(0.10353083040307713, rel=1e-9)
    assert uplift.upper - uplift.point == pytest.approx(half, rel=1e-9)


def test_ratios_by_the_delta_method_are_near_the_resampled_ones() -> None:
    delta = estimated("ratio_delta", RATIO.values, RATIO.covariate, **PARTS)
    resampled = estimated("population_ratio", RATIO.values, RATIO.covariate, **PARTS)

    for by_delta, other in zip(delta, resampled, strict=True):
        assert by_delta.point == pytest.approx(other.point, abs=0.05 * (by_delta.upper - by_delta.lower))
        assert by_delta.upper - by_delta.lower == pytest.approx(other.upper - other.lower, rel=0.03)


def test_a_ratio_over_nothing_has_a_reason() -> None:
    rows = estimated("ratio_delta", [[1.0, 2.0], [1.0, 3.0], [4.0]], [[0.0, 0.0], [1.0, 3.0], [2.0]], **PARTS)

    assert row_of(rows, "control").reason is Reason.ZERO_DENOMINATOR
    assert row_of(rows, "treatment-a").reason is Reason.NO_VARIATION
    assert (row_of(rows, "treatment-b").point, row_of(rows, "treatment-b").reason) == (2, Reason.TOO_FEW_UNITS)
    assert row_of(rows, "treatment-b", UPLIFT, "treatment-a").point == 1


def test_the_detectable_effect_is_found_with_its_power() -> None:
    rows = estimated("minimum_detectable_effect", COUNTS.values[:2], drop_highest=0, power=0.9)
    row, uplift = (row_of(rows, "treatment-a", comparison, "control") for comparison in (DIFFERENCE, UPLIFT))

    # statsmodels 0.14: NormalIndPower().solve_power(nobs1=1 / error ** 2, ratio=0, alpha=0.05, power=0.9)
    assert row.point == pytest.approx(1.530758505484011, rel=1e-5)
    assert uplift.point == pytest.approx(row.point / COUNTS.values[0].mean())


def test_a_covariate_makes_smaller_effects_detectable() -> None:
    plain = estimated("minimum_detectable_effect", COUNTS.values)
    adjusted = estimated("minimum_detectable_effect", COUNTS.values, COUNTS.covariate, **ADJUST)

    assert all(with_covariate.point < other.point for with_covariate, other in zip(adjusted, plain, strict=True))
    assert {row.adjusted for row in adjusted} == {True}


def test_the_always_valid_p_value_is_the_level_whose_interval_reaches_zero() -> None:
    contrast = Contrast(1.2, 0.4)
    p_value = contrast.always_valid_p_value(0.95, n=3000)

    # The mixture is that of 95 %, so that only there interval and p-value are of the same sequence.
    edge = Contrast(contrast.always_valid_interval(0.95, n=3000)[1] - contrast.point, 0.4)
    assert edge.always_valid_p_value(0.95, n=3000) == pytest.approx(0.05, rel=1e-9)
    assert 2 * float(ndtr(-3)) < p_value < 1


def test_individual_means_of_all_units_are_had_by_asking() -> None:
    gaps = data.continuous_with_gaps()
    compatible = estimated("linear_model_mean", gaps.values, gaps.covariate, drop_highest=0, **ADJUST)
    asked = estimated(
        "linear_model_mean", gaps.values, gaps.covariate, drop_highest=0, individual_from_all=True, **ADJUST
    )

    both = np.isfinite(gaps.values[0]) & np.isfinite(gaps.covariate[0])
    assert row_of(compatible, "control").point == pytest.approx(gaps.values[0][both].mean())
    assert row_of(asked, "control").point == pytest.approx(np.nanmean(gaps.values[0]))
    assert row_of(asked, "control").n_units == np.isfinite(gaps.values[0]).sum()
    assert compatible[3:] == asked[3:]
