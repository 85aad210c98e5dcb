"""What happens in the corners where the existing system loses rows, invents numbers, or varies from run to run."""

import numpy as np
import pytest

from jetstream_argo.errors import ConfigError, EstimateError
from jetstream_argo.stats.estimate import estimate
from jetstream_argo.stats.moments import Moments
from jetstream_argo.stats.needs import Adjustment
from jetstream_argo.stats.pretreatments import CensorHighestValues, too_many_dropped
from jetstream_argo.stats.registry import METHODS, parse_method
from jetstream_argo.stats.rows import Comparison, EstimateRow, Reason
from jetstream_argo.stats.sufficient import BranchFacts, Sample
from tests.reference.samples import Columns, sample_from_columns
from tests.stats.samples import NAMES, estimated, row_of

DIFFERENCE, UPLIFT = Comparison.DIFFERENCE, Comparison.RELATIVE_UPLIFT
SKEW = np.exp(np.random.RandomState(7).normal(0, 1.5, size=(3, 200)))
MEANS = ("linear_model_mean", "linear_model_mean_no_clip", "bootstrap_mean", "deciles")
RATIO = {"numerator": "m", "denominator": "d"}
RATIOS = ("population_ratio", "ratio_delta")
COMPARES_ONLY = ("per_client_dau_impact", "minimum_detectable_effect")


def numbers(row: EstimateRow) -> tuple[float | None, float | None, float | None]:
    return row.point, row.lower, row.upper


def test_differences_are_antisymmetric_because_values_are_clipped_once() -> None:
    rows = estimated("linear_model_mean", SKEW)

    there = row_of(rows, "treatment-a", DIFFERENCE, "control")
    back = row_of(rows, "control", DIFFERENCE, "treatment-a")

    assert there.point == -back.point
    assert (there.lower, there.upper) == (-back.upper, -back.lower)


@pytest.mark.parametrize("statistic", [*MEANS, "binomial", "population_ratio"])
def test_the_confidence_asked_for_is_that_of_every_interval(statistic: str) -> None:
    whole = (SKEW > 1).astype(int) if statistic == "binomial" else SKEW
    arguments = RATIO if statistic in RATIOS else {}

    wide = estimated(statistic, whole, SKEW + 1, confidence_interval=0.9, **arguments)
    wider = estimated(statistic, whole, SKEW + 1, confidence_interval=0.98, **arguments)

    for row, other in zip(wide, wider, strict=True):
        assert (row.ci_width, other.ci_width) == (0.9, 0.98)
        assert row.point == other.point
        assert other.lower <= row.lower <= row.upper <= other.upper
        assert other.upper - other.lower > row.upper - row.lower


@pytest.mark.parametrize("statistic", sorted(METHODS))
def test_a_branch_without_units_has_rows_and_a_reason(statistic: str) -> None:
    arguments = RATIO if statistic in RATIOS else {}
    method = parse_method(statistic, arguments)
    values = (SKEW[:2] > 1).astype(int).ravel()
    columns = Columns("m", ("control", "empty", "other"), np.repeat([0, 2], 200).astype(np.int8), values, values + 1)

    rows = estimate(method, sample_from_columns(method, columns))

    of_empty = [row for row in rows if "empty" in (row.branch, row.comparison_to_branch)]
    assert of_empty
    if statistic == "count":
        assert [(row.point, row.reason) for row in of_empty] == [(0.0, None)]
    else:
        assert {row.reason for row in of_empty} == {Reason.NO_UNITS}
    complete = [row for row in rows if row not in of_empty]
    assert all(row.point is not None or row.reason is Reason.ZERO_REFERENCE for row in complete)


@pytest.mark.parametrize("statistic", MEANS)
def test_a_single_branch_has_rows_of_its_own_and_no_comparison(statistic: str) -> None:
    rows = estimated(statistic, SKEW[:1])

    assert {row.comparison for row in rows} == {None}
    assert all(row.point is not None for row in rows)


@pytest.mark.parametrize("statistic", sorted(METHODS))
def test_units_without_a_value_are_left_out_and_nothing_else_changes(statistic: str) -> None:
    arguments = RATIO if statistic in RATIOS else {}
    values = (SKEW > 1).astype(float)
    gaps = [[*value, np.nan] for value in values]

    full = estimated(statistic, values, values + 1, **arguments)
    gappy = estimated(statistic, gaps, [[*value, 1.0] for value in values + 1], **arguments)

    if statistic == "count":
        assert [row.point for row in gappy] == [201.0] * 3
        assert [row.n_units for row in gappy] == [200] * 3
    elif statistic == "per_client_dau_impact":
        # The difference is multiplied by all units, those without a value too.
        assert gappy[0].point == pytest.approx(full[0].point * 603 / 600)
    else:
        assert [numbers(row) for row in gappy] == [numbers(row) for row in full]


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
@pytest.mark.parametrize("statistic", [*MEANS, "sum", "empirical_cdf", "kernel_density_estimate"])
def test_infinite_values_of_either_sign_are_excluded_and_the_rows_say_so(statistic: str, infinite: float) -> None:
    clean = estimated(statistic, SKEW)
    dirty = estimated(statistic, [[*SKEW[0], infinite], SKEW[1], SKEW[2]])

    assert [numbers(row) for row in dirty] == [numbers(row) for row in clean]
    for row in dirty:
        touched = "control" in (row.branch, row.comparison_to_branch)
        assert row.reason is (Reason.NONFINITE_EXCLUDED if touched else None)


@pytest.mark.parametrize("statistic", ["linear_model_mean_no_clip", "bootstrap_mean"])
def test_a_reference_of_zeros_loses_the_relative_uplift_only(statistic: str) -> None:
    rows = estimated(statistic, [[0.0] * 200, SKEW[1]])

    assert None not in numbers(row_of(rows, "control"))
    assert None not in numbers(row_of(rows, "treatment-a", DIFFERENCE, "control"))
    uplift = row_of(rows, "treatment-a", UPLIFT, "control")
    assert (numbers(uplift), uplift.reason) == ((None, None, None), Reason.ZERO_REFERENCE)
    assert row_of(rows, "control", UPLIFT, "treatment-a").point == -1


def test_deciles_of_a_reference_that_are_zero_lose_the_relative_uplift_only() -> None:
    zeros = [0] * 100 + list(range(1, 101))
    rows = estimated("deciles", [zeros, [value + 1 for value in zeros]])

    low = row_of(rows, "treatment-a", UPLIFT, "control", parameter="0.2")
    assert (numbers(low), low.reason) == ((None, None, None), Reason.ZERO_REFERENCE)
    assert row_of(rows, "treatment-a", DIFFERENCE, "control", parameter="0.2").point == 1
    assert None not in numbers(row_of(rows, "treatment-a", UPLIFT, "control", parameter="0.9"))


def test_a_share_of_no_conversions_has_no_expected_uplift_but_exact_bounds() -> None:
    rows = estimated("binomial", [[0] * 500, [1] * 60 + [0] * 440])

    row = row_of(rows, "treatment-a", UPLIFT, "control")
    assert (row.point, row.reason) == (None, Reason.INFINITE_EXPECTATION)
    # np.quantile(rng.beta(61, 441, 4e7) / rng.beta(1, 501, 4e7) - 1, [.025, .975]): 15.1, 2.4e3; exact to 1e-2
    assert row.lower == pytest.approx(15.1, rel=0.02)
    assert row.upper == pytest.approx(2410, rel=0.02)


def test_a_reference_interval_that_holds_zero_bounds_no_uplift() -> None:
    noise = np.random.RandomState(3).normal(0.05, 1, size=(2, 100))
    rows = estimated("linear_model_mean_no_clip", noise)
    resampled = estimated("bootstrap_mean", noise, drop_highest=0)

    row = row_of(rows, "treatment-a", UPLIFT, "control")
    assert (row.lower, row.upper) == (None, None)
    assert row.reason in (Reason.UNBOUNDED, Reason.OPPOSITE_SIGNS)
    assert row_of(resampled, "treatment-a", UPLIFT, "control").reason is Reason.UNBOUNDED
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").lower is not None


@pytest.mark.parametrize("statistic", ["linear_model_mean_no_clip", "bootstrap_mean", "population_ratio"])
def test_an_uplift_on_a_negative_reference_is_marked(statistic: str) -> None:
    arguments = RATIO if statistic in RATIOS else {}
    rows = estimated(statistic, -SKEW, np.ones_like(SKEW), drop_highest=0, **arguments)

    row = row_of(rows, "treatment-a", UPLIFT, "control")
    assert row.reason is Reason.NEGATIVE_REFERENCE
    assert row.lower < row.point < row.upper


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e8])
def test_a_covariate_far_from_zero_changes_nothing(offset: float) -> None:
    # Powers of two, so that adding the offset rounds nothing away.
    covariate = np.round(SKEW * 64) / 64
    values = covariate + np.round(SKEW[::-1] * 64) / 64
    adjust = {"covariate_adjustment": Adjustment("m", "preenrollment_week"), "drop_highest": 0}

    rows = estimated("linear_model_mean", values, covariate, **adjust)
    moved = estimated("linear_model_mean", values, covariate + offset, **adjust)

    for row, other in zip(rows, moved, strict=True):
        if row.comparison is not UPLIFT:
            # The mean of the covariate itself is known to a float's precision only.
            assert numbers(other) == pytest.approx(numbers(row), rel=1e-9, abs=4e-16 * offset)


@pytest.mark.parametrize("statistic", ["linear_model_mean", "bootstrap_mean"])
def test_values_whose_squares_fit_no_float_have_the_same_estimates_in_their_size(statistic: str) -> None:
    rows, plain = estimated(statistic, SKEW * 2.0**550), estimated(statistic, SKEW)

    for row, other in zip(rows, plain, strict=True):
        size = 1 if row.comparison is UPLIFT else 2.0**550
        assert numbers(row) == pytest.approx([value * size for value in numbers(other)], rel=1e-9)
        assert (row.p_value, row.chance_to_win, row.reason) == (other.p_value, other.chance_to_win, other.reason)


def test_ratios_and_adjustments_of_values_whose_squares_fit_no_float_are_the_same() -> None:
    adjust = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}

    ratios = estimated("ratio_delta", SKEW * 2.0**550, (SKEW + 1) * 2.0**600, **RATIO)
    adjusted = estimated("linear_model_mean", SKEW * 2.0**550, (SKEW + SKEW[::-1]) * 2.0**600, **adjust)

    plain = estimated("ratio_delta", SKEW, SKEW + 1, **RATIO)
    assert numbers(ratios[0]) == pytest.approx([value * 2.0**-50 for value in numbers(plain[0])], rel=1e-9)
    assert numbers(ratios[4]) == pytest.approx(numbers(plain[4]), rel=1e-9)
    expected = estimated("linear_model_mean", SKEW, SKEW + SKEW[::-1], **adjust)
    assert numbers(adjusted[3]) == pytest.approx([value * 2.0**550 for value in numbers(expected[3])], rel=1e-9)
    assert adjusted[3].p_value == pytest.approx(expected[3].p_value, rel=1e-9)


@pytest.mark.parametrize("statistic", [*MEANS, "binomial"])
def test_equal_data_in_another_order_give_equal_rows(statistic: str) -> None:
    values = (SKEW > 1).astype(int) if statistic == "binomial" else np.round(SKEW * 4)

    rows = estimated(statistic, values)
    shuffled = estimated(statistic, values[:, ::-1])

    assert shuffled == rows


@pytest.mark.parametrize("statistic", MEANS)
def test_one_unit_a_branch_has_points_and_no_interval(statistic: str) -> None:
    rows = estimated(statistic, [[3.5], [5.25]])

    for row in rows:
        assert (row.lower, row.upper, row.reason) == (None, None, Reason.TOO_FEW_UNITS)
    assert row_of([row for row in rows if str(row.parameter) in ("None", "0.5")], "control").point == 3.5


@pytest.mark.parametrize("statistic", ["bootstrap_mean", "deciles"])
def test_bootstrap_intervals_of_few_units_are_marked(statistic: str) -> None:
    rows = estimated(statistic, SKEW[:2, :12])

    assert {row.reason for row in rows} == {Reason.FEW_UNITS}
    assert all(row.lower < row.upper for row in rows)


@pytest.mark.parametrize("statistic", ["linear_model_mean", "bootstrap_mean"])
def test_values_that_do_not_vary_have_points_and_a_reason(statistic: str) -> None:
    rows = estimated(statistic, [[5.0] * 40, [4.0] * 40])

    assert {row.reason for row in rows} == {Reason.NO_VARIATION}
    assert row_of(rows, "control").point == 5
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").point == -1
    assert row_of(rows, "treatment-a", UPLIFT, "control").point == pytest.approx(-0.2)


def test_a_distribution_of_one_value_keeps_a_row_for_each_grid_point() -> None:
    rows = estimated("empirical_cdf", [[5.0] * 40], grid_size=16)

    assert [(str(row.parameter), row.point) for row in rows] == [("5", 1.0)] * 16


def test_confidences_are_not_rounded() -> None:
    rows = estimated("deciles", SKEW, confidence_interval=0.999)

    assert {row.ci_width for row in rows} == {0.999}


@pytest.mark.parametrize("name", ["linear_model_mean", "bootstrap_mean", "population_ratio"])
def test_drop_highest_may_be_a_whole_number_and_must_be_a_share(name: str) -> None:
    arguments = RATIO if name == "population_ratio" else {}

    assert parse_method(name, {"drop_highest": 0, **arguments}).need().clip is None
    with pytest.raises(ConfigError, match=r"drop_highest: must be a number from 0 to 0\.5, is 0\.7"):
        parse_method(name, {"drop_highest": 0.7, **arguments})


def test_a_column_of_truth_values_has_a_mean() -> None:
    rows = estimated("linear_model_mean", SKEW > 1)

    assert row_of(rows, "control").point == (SKEW[0] > 1).mean()


def test_a_whole_column_is_clipped_at_a_whole_number() -> None:
    values = [[*range(100), 1000], [*range(100), 1001]]
    # pandas: pd.Series([*range(100), 1000, *range(100), 1001]).quantile(0.995): 99 + 0.995 * 901 - …, rounded up
    threshold = np.ceil(np.quantile(np.concatenate(values), 0.995))

    rows = estimated("linear_model_mean", values)

    assert row_of(rows, "control").point == pytest.approx((sum(range(100)) + min(1000, threshold)) / 101)


def test_a_share_of_values_other_than_zero_and_one_is_refused_with_a_reason() -> None:
    rows = estimated("binomial", [[0, 1, 2], [0, 1, 1]])

    assert row_of(rows, "control").reason is Reason.NOT_BINARY
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").reason is Reason.NOT_BINARY
    assert row_of(rows, "treatment-a").point == 0.6


def test_censoring_that_ties_make_drop_too_much_is_noticed() -> None:
    treatment = CensorHighestValues(fraction=0.99)

    assert too_many_dropped(treatment, n=1500, dropped=514)
    assert not too_many_dropped(treatment, n=1500, dropped=15)


def test_grid_points_closer_than_six_decimals_keep_a_row_each() -> None:
    rows = estimated("empirical_cdf", [SKEW[0] * 1e-7], grid_size=64)

    assert len(rows) == 64
    assert len({row.parameter for row in rows}) < 64
    points = [row.point for row in rows if row.point is not None]
    assert points == sorted(points)


def test_a_bandwidth_by_the_spread_does_not_depend_on_the_unit() -> None:
    first = estimated("kernel_density_estimate", [SKEW[0]], grid_size=8, bandwidth="scott_sd")
    thousand = estimated("kernel_density_estimate", [SKEW[0] * 1000], grid_size=8, bandwidth="scott_sd")

    assert [row.point for row in thousand] == pytest.approx([row.point / 1000 for row in first])


def test_units_without_a_covariate_leave_the_adjusted_analysis_wholly() -> None:
    covariate = SKEW[::-1].copy()
    covariate[:, ::3] = np.nan

    rows = estimated("linear_model_mean", SKEW, covariate, covariate_adjustment=Adjustment("m", "preenrollment_week"))

    assert {row.n_units for row in rows if row.comparison is None} == {133}
    assert {row.adjusted for row in rows if row.comparison is not None} == {True}
    assert {row.adjusted for row in rows if row.comparison is None} == {None}


@pytest.mark.parametrize("covariate", [np.nan, 3.0])
def test_without_a_usable_covariate_the_comparison_is_unadjusted_and_says_so(covariate: float) -> None:
    plain = estimated("linear_model_mean", SKEW)

    rows = estimated(
        "linear_model_mean",
        SKEW,
        np.full_like(SKEW, covariate),
        covariate_adjustment=Adjustment("m", "preenrollment_week"),
    )

    assert [numbers(row) for row in rows] == [numbers(row) for row in plain]
    compared = [row for row in rows if row.comparison is not None]
    assert {(row.adjusted, row.reason) for row in compared} == {(False, Reason.NO_COVARIATE)}


def test_a_branch_of_zeros_is_compared_as_adjusted_as_any_other() -> None:
    values, covariate = [[1.0, 3.0], [0.0, 0.0]], [[1.0, 3.0], [0.0, 2.0]]
    adjust = {"covariate_adjustment": Adjustment("m", "preenrollment_week")}

    rows = estimated("linear_model_mean_no_clip", values, covariate, **adjust)

    # By hand: the common slope is 0.5, all units' mean covariate 1.5; there the fitted means are 0.25 and 1.75.
    assert row_of(rows, NAMES[1], DIFFERENCE, "control").point == pytest.approx(-1.5)
    uplift = row_of(rows, NAMES[1], UPLIFT, "control")
    assert uplift.point == pytest.approx(0.25 / 1.75 - 1, abs=1e-3)
    assert uplift.adjusted is True


def test_units_in_no_branch_are_left_out() -> None:
    method = parse_method("linear_model_mean", {})
    codes = np.repeat([0, 1, -1], 200).astype(np.int8)

    rows = estimate(method, sample_from_columns(method, Columns("m", ("a", "b"), codes, SKEW.ravel())))

    assert [numbers(row) for row in rows] == [numbers(row) for row in estimated("linear_model_mean", SKEW[:2])]


@pytest.mark.parametrize("denominator", [np.zeros(200), np.r_[1.0, np.zeros(199)]])
def test_a_denominator_that_is_clipped_to_zero_has_a_reason(denominator: np.ndarray) -> None:
    rows = estimated("population_ratio", SKEW[:2], [denominator, np.ones(200)], **RATIO)

    assert row_of(rows, "control").reason is Reason.ZERO_DENOMINATOR
    assert row_of(rows, "treatment-a", DIFFERENCE, "control").reason is Reason.ZERO_DENOMINATOR
    assert row_of(rows, "treatment-a").point == pytest.approx(np.minimum(SKEW[1], np.quantile(SKEW[1], 0.995)).mean())


def test_the_ratio_of_a_handful_of_units_has_no_number_where_their_sums_tell_none() -> None:
    numerator, denominator = [[0.0, 0.0, 1.0]] * 2, [[1.0, 1.0, 10.0]] * 2

    rows = estimated("population_ratio", numerator, denominator, **RATIO)

    assert {row.reason for row in rows} == {Reason.TOO_FEW_UNITS}
    assert {numbers(row) for row in rows} == {(None, None, None)}


@pytest.mark.parametrize("seed", [12, 18, 95, 326])
def test_the_bounds_of_a_ratio_do_not_suffer_from_where_its_truncated_law_is_none(seed: int) -> None:
    numerator, denominator = np.exp(np.random.RandomState(seed).normal(0, 1.5, size=(2, 50)))

    (row,) = estimated("population_ratio", [numerator], [denominator], **RATIO)

    clipped = [np.minimum(column, np.quantile(column, 0.995)) for column in (numerator, denominator)]
    drawn = np.random.RandomState(0).randint(0, 50, (10_000, 50))
    ratios = clipped[0][drawn].mean(axis=1) / clipped[1][drawn].mean(axis=1)
    assert numbers(row) == pytest.approx((ratios.mean(), *np.quantile(ratios, [0.025, 0.975])), abs=0.3 * ratios.std())


def test_the_impact_is_the_difference_times_all_units() -> None:
    rows = estimated("per_client_dau_impact", SKEW)
    means = estimated("linear_model_mean_no_clip", SKEW)

    assert {row.comparison for row in rows} == {DIFFERENCE, UPLIFT}
    impact = row_of(rows, "treatment-a", DIFFERENCE, "control")
    difference = row_of(means, "treatment-a", DIFFERENCE, "control")
    assert numbers(impact) == pytest.approx([value * 600 for value in numbers(difference)])
    assert impact.p_value == difference.p_value


def test_data_of_another_kind_than_asked_for_are_refused() -> None:
    sample = Sample("m", (BranchFacts("control", 3, Moments(3, 1.0, 2.0)),))

    with pytest.raises(EstimateError, match="branch 'control': needs PowerSums or ValueCounts, has Moments"):
        estimate(parse_method("bootstrap_mean", {}), sample)


@pytest.mark.parametrize("statistic", sorted(METHODS))
def test_rows_come_in_the_order_of_the_plan_and_hold_no_nan(statistic: str) -> None:
    arguments = RATIO if statistic in RATIOS else {}
    values = (SKEW > 1).astype(int)

    rows = estimated(statistic, values, values + 1, **arguments)

    names = [row.branch for row in rows if row.comparison is None]
    assert list(dict.fromkeys(names)) == ([] if statistic in COMPARES_ONLY else list(NAMES[:3]))
    pairs = list(dict.fromkeys((row.comparison_to_branch, row.branch) for row in rows if row.comparison is not None))
    assert pairs == sorted(pairs)
    known = ((*numbers(row), row.p_value, row.std_error, row.chance_to_win, row.expected_loss) for row in rows)
    found = [number for of_row in known for number in of_row if number is not None]
    assert all(type(number) is float and np.isfinite(number) for number in found)
    assert all(row.reason is not None for row in rows if row.point is None)
