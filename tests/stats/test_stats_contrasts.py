"""Other methods on the same sums, against the packages that have them: on `reference_data.counts()` and `ratio()`,
the first two branches, `y` being values and `x` the covariate."""

import numpy as np
import pytest
from scipy.special import ndtri

from jetstream_argo.errors import EstimateError
from jetstream_argo.stats.checks import ALARM, benjamini_hochberg, holm, sample_ratio_p_value
from jetstream_argo.stats.comparisons.contrasts import (
    Contrast,
    cuped,
    minimum_detectable_effect,
    ratio_of_means,
    regression_adjusted,
    relative,
    welch,
)
from jetstream_argo.stats.moments import JointMoments, Moments
from tests.stats import reference_data as data


def joint(y: np.ndarray, x: np.ndarray) -> JointMoments:
    dy, dx = y - y.mean(), x - x.mean()
    return JointMoments(len(y), y.mean(), x.mean(), dy @ dy, dx @ dx, dx @ dy)


COUNTS, RATIO = data.counts(), data.ratio()
REFERENCE, BRANCH = (joint(COUNTS.values[i], COUNTS.covariate[i]) for i in (0, 1))


def test_welch_is_that_of_scipy() -> None:
    found = welch(REFERENCE.y, BRANCH.y)

    # scipy 1.15: ttest_ind(y1, y0, equal_var=False): statistic, df, pvalue, confidence_interval(0.9)
    assert found.point / found.error == pytest.approx(0.3239910843947927, rel=1e-9)
    assert (found.dof, found.p_value) == pytest.approx((1086.2459535709002, 0.7460071557637997), rel=1e-9)
    assert found.interval(0.9) == pytest.approx((-0.6244208222996349, 0.9304208222996356), rel=1e-9)
    # statsmodels 0.14: OLS(y, add_constant(branch)).fit(cov_type="HC2").bse[1]
    assert found.error == pytest.approx(0.4722352168603673, rel=1e-9)


def test_the_always_valid_interval_is_that_of_gbstats() -> None:
    found = welch(REFERENCE.y, BRANCH.y).always_valid_interval(0.95, n=1100)

    # gbstats 0.8.0: SequentialTwoSidedTTest(..., SequentialConfig(sequential_tuning_parameter=5000))
    assert found == pytest.approx((-1.4140650879181216, 1.7200650879181225), rel=1e-9)


def test_cuped_is_that_of_gbstats_and_tea_tasting() -> None:
    found = cuped(REFERENCE, BRANCH)

    # gbstats 0.8.0: TwoSidedTTest of RegressionAdjustedStatistic with theta = cov / var of both branches together;
    # tea-tasting 1.14.0: Mean("y", covariate="x", use_t=True, equal_var=False)
    assert (found.point, found.error) == pytest.approx((0.40353902944200826, 0.23357251154320963), rel=1e-9)
    assert found.p_value == pytest.approx(0.08434871792193444, rel=1e-9)
    assert found.interval(0.95) == pytest.approx((-0.05479995145030914, 0.8618780103343257), rel=1e-9)


def test_own_slopes_are_those_of_a_regression_of_each_branch() -> None:
    found = regression_adjusted(REFERENCE, BRANCH)

    # statsmodels 0.14: OLS(y, add_constant(x - mean of both)).fit() of each branch: the difference of params[0], and
    # the hypotenuse of bse[0]
    assert (found.point, found.error) == pytest.approx((0.4005709944087803, 0.23176296291600543), rel=1e-9)


def test_the_difference_of_ratios_is_that_of_gbstats_and_tea_tasting() -> None:
    found = ratio_of_means(*(joint(RATIO.values[i], RATIO.covariate[i]) for i in (0, 1)))

    # gbstats 0.8.0: TwoSidedTTest of RatioStatistic; tea-tasting 1.14.0: RatioOfMeans("y", "x")
    assert (found.point, found.error) == pytest.approx((0.021590491923641708, 0.00828034793228075), rel=1e-9)
    assert found.p_value == pytest.approx(0.009250256348636299, rel=1e-9)
    assert found.interval(0.95) == pytest.approx((0.005342780591486313, 0.037838203255797107), rel=1e-9)


def test_the_relative_difference_is_that_of_gbstats() -> None:
    found = relative(REFERENCE.y, BRANCH.y)

    # gbstats 0.8.0: TwoSidedTTest(..., difference_type="relative"): expected, uplift.stddev
    assert (found.point, found.error) == pytest.approx((0.02697461212976031, 0.08440170649170832), rel=1e-9)


def test_the_chance_to_win_and_the_loss_are_those_of_a_normal_law() -> None:
    contrast = Contrast(0.4, 0.25)
    draws = 0.4 + 0.25 * ndtri((np.arange(2_000_000) + 0.5) / 2_000_000)

    assert contrast.chance_to_win == pytest.approx((draws > 0).mean(), abs=1e-6)
    assert contrast.expected_loss == pytest.approx(np.maximum(-draws, 0).mean(), rel=1e-5)


def test_a_split_that_is_not_the_designed_one_raises_the_alarm() -> None:
    # scipy 1.15: chisquare([500, 600, 400]).pvalue, chisquare([500, 580], [540, 540]).pvalue; gbstats check_srm agrees
    assert sample_ratio_p_value([500, 600, 400], [1, 1, 1]) == pytest.approx(2.0611536224385566e-09, rel=1e-9)
    assert sample_ratio_p_value([500, 580], [0.5, 0.5]) == pytest.approx(0.014919696305821892, rel=1e-9)
    assert sample_ratio_p_value([500, 600, 400], [5, 6, 4]) == 1
    assert sample_ratio_p_value([500, 600, 400], [1, 1, 1]) < ALARM
    with pytest.raises(EstimateError, match="positive shares"):
        sample_ratio_p_value([500, 600], [1, 0])


def test_adjusted_p_values_are_those_of_statsmodels() -> None:
    p_values = [0.01, 0.04, 0.03, 0.005, 0.5, 0.03]

    # statsmodels 0.14: multipletests(p, method="holm")[1] and method="fdr_bh"
    assert holm(p_values) == pytest.approx((0.05, 0.12, 0.12, 0.03, 0.5, 0.12), rel=1e-9)
    assert benjamini_hochberg(p_values) == pytest.approx((0.03, 0.048, 0.045, 0.03, 0.5, 0.045), rel=1e-9)
    assert holm([]) == benjamini_hochberg([]) == ()


def test_detectable_effects_are_those_of_statsmodels() -> None:
    # statsmodels 0.14: NormalIndPower().solve_power(nobs1=500, ratio=1.2, alpha=0.05, power=0.8) times the standard
    # deviation; it also counts effects found with the wrong sign: 4e-6.
    assert minimum_detectable_effect(REFERENCE.y, units=(500, 600)) == pytest.approx(1.2745900935781787, rel=1e-5)


def test_contrasts_need_units_that_vary() -> None:
    constant = JointMoments(5, 1.0, 2.0, 0.0, 0.0, 0.0)

    with pytest.raises(EstimateError, match="two units a branch, has 1"):
        welch(Moments(1, 3.0, 0.0), Moments(9, 3.0, 2.0))
    with pytest.raises(EstimateError, match="neither branch varies"):
        welch(constant.y, constant.y)
    with pytest.raises(EstimateError, match="a covariate that varies"):
        regression_adjusted(constant, BRANCH)
    with pytest.raises(EstimateError, match="a share of 0"):
        relative(Moments(5, 0.0, 1.0), BRANCH.y)
    with pytest.raises(EstimateError, match="a denominator that is not 0"):
        ratio_of_means(JointMoments(5, 1.0, 0.0, 1.0, 1.0, 0.0), BRANCH)
    assert cuped(constant, JointMoments(5, 2.0, 2.0, 3.0, 0.0, 0.0)).point == 1
